import { describe, expect, test } from "bun:test";
import { addressSet, isInRange } from "./ip-range.ts";

describe("ranges of addresses", () => {
  test.each([
    ["10.1.2.3", "10.0.0.0/8", true],
    ["11.1.2.3", "10.0.0.0/8", false],
    ["10.1.2.3", "10.1.2.3", true],
    ["10.1.2.3", "0.0.0.0/0", true],
    ["10.1.2.130", "10.1.2.128/25", true],
    ["10.1.2.127", "10.1.2.128/25", false],
    ["fd00:0:0:1::7", "fd00::/48", true],
    ["fd00:0:1::7", "fd00::/48", false],
    ["FD00::1", "fd00:0:0:0:0:0:0:1", true],
    ["fd00::1", "::/0", true],
    ["10.1.2.3", "::/0", false],
    ["::1", "0.0.0.0/0", false],
    ["10.1.2.3", "10.0.0.0/33", false],
    ["10.1.2.3", "10.0.0.0/8/8", false],
    ["10.1.2.3", "10.0.0.0/x", false],
    ["a name", "10.0.0.0/8", false],
    ["10.1.2.3", "", false],
  ] as const)("%s in %s: %p", (address, range, expected) => {
    expect(isInRange(address, range)).toBe(expected);
    expect(addressSet([range]).has(address)).toBe(expected);
  });

  test("a set has what any of its members has", () => {
    const set = addressSet(["10.0.0.1", "192.168.0.0/16", "2001:db8::/32", "nothing"]);
    expect(["10.0.0.1", "192.168.9.9", "2001:db8::9", "10.0.0.2", "nothing"].map((one) => set.has(one))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(addressSet([]).has("10.0.0.1")).toBe(false);
  });
});
