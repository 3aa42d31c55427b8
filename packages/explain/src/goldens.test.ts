import { describe, expect, test } from "bun:test";
import { goldenNames, runGolden } from "../goldens.ts";

describe("goldens", () => {
  test.each(goldenNames().map((name) => [name]))("%s", async (name) => {
    const { actual, expected } = await runGolden(name);
    expect(actual).toBe(expected);
    expect(actual.split("\n").length).toBeLessThanOrEqual(200);
  });
});
