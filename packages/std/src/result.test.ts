import { describe, expect, test } from "bun:test";
import { assertNever } from "./assert-never.ts";
import { err, mapResult, ok, unwrap } from "./result.ts";

describe("result", () => {
  test("map and unwrap", () => {
    expect(mapResult(ok(2), (n) => n + 1)).toEqual(ok(3));
    expect(mapResult(err("no"), (n: number) => n + 1)).toEqual(err("no"));
    expect(unwrap(ok("x"))).toBe("x");
    expect(() => unwrap(err("why"))).toThrow("why");
  });
  test("assertNever names what it saw", () => {
    expect(() => assertNever("odd" as never, "colour")).toThrow('unhandled colour: "odd"');
  });
});
