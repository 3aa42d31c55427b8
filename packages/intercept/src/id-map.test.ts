import { expect, test } from "bun:test";
import { isMapped } from "./id-map.ts";

test("ids of the initial and of a rootless user namespace", () => {
  expect(isMapped("         0          0 4294967295\n", 1337)).toBe(true);
  expect(isMapped("         0       1000          1\n", 0)).toBe(true);
  expect(isMapped("         0       1000          1\n", 1337)).toBe(false);
  expect(isMapped("0 1000 1\n1 100000 65536\n", 1337)).toBe(true);
  expect(isMapped("", 0)).toBe(false);
});
