import { expect, test } from "bun:test";
import { createManualClock } from "@heddle/std";
import type { FilterSurroundings } from "./http-filter.ts";
import { createJwksKeys } from "./jwks-keys.ts";

test("a fetch that breaks is not kept", async () => {
  let asked = 0;
  const clusters = {
    get: () => {
      if (asked++ === 0) throw new Error("a bug");
      return undefined;
    },
  };
  const around = { clock: createManualClock(), clusters } as unknown as FilterSurroundings;
  const uri = "http://keys.test/jwks";
  const keys = createJwksKeys({ kind: "remote", uri, cluster: "c", timeoutMs: 1000, cacheMs: 60_000 }, around);
  await expect(keys.keys()).rejects.toThrow("a bug");
  expect(await keys.keys()).toEqual({ ok: false, error: "the cluster does not exist" });
  expect(asked).toBe(2);
});
