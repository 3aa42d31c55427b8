import { expect, test } from "bun:test";
import { hello } from "./hello.ts";

test("says its version and where it runs", () => {
  expect(hello("/hello", "v1", "pod-a")).toEqual({ status: 200, text: "Hello version: v1, instance: pod-a\n" });
  expect(hello("/health", "v1", "pod-a").status).toBe(200);
  expect(hello("/", "v1", "pod-a")).toEqual({ status: 404, text: "/ is not here; ask for /hello\n" });
});
