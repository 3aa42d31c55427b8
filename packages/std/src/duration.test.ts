import { describe, expect, test } from "bun:test";
import {
  durationMs,
  formatGoDuration,
  formatProtoDuration,
  fromProtoDuration,
  parseGoDuration,
  parseProtoDuration,
  toProtoDuration,
} from "./duration.ts";

describe("Go durations", () => {
  const pairs: [string, number][] = [
    ["0s", 0],
    ["300ms", 300],
    ["1.5s", 1500],
    ["2h45m0s", 9_900_000],
    ["1m0.25s", 60_250],
    ["-1.5s", -1500],
    ["10µs", 0.01],
    ["7ns", 0.000007],
  ];
  for (const [text, ms] of pairs) {
    test(text, () => {
      expect(parseGoDuration(text)).toEqual({ ok: true, value: durationMs(ms) });
      expect(formatGoDuration(durationMs(ms))).toBe(text);
    });
  }

  test("other spellings", () => {
    expect(parseGoDuration("0")).toMatchObject({ value: 0 });
    expect(parseGoDuration("+.5h")).toMatchObject({ value: 1_800_000 });
    expect(parseGoDuration("1h30m")).toMatchObject({ value: 5_400_000 });
    for (const bad of ["", "-", "5", "1x", "1s ", "s", "1..5s", "1d"]) {
      expect(parseGoDuration(bad)).toMatchObject({ ok: false, error: expect.stringContaining(`"${bad}"`) });
    }
  });
});

describe("protobuf durations", () => {
  test("text", () => {
    for (const [text, ms] of [
      ["1.5s", 1500],
      ["0s", 0],
      ["-2s", -2000],
      ["0.000001s", 0.001],
    ] as const) {
      expect(parseProtoDuration(text)).toEqual({ ok: true, value: durationMs(ms) });
      expect(formatProtoDuration(durationMs(ms))).toBe(text);
    }
    for (const bad of ["1", "1m", "1.0000000001s", "s"]) expect(parseProtoDuration(bad).ok).toBe(false);
  });

  test("messages", () => {
    expect(toProtoDuration(durationMs(1500))).toEqual({ seconds: 1n, nanos: 500_000_000 });
    expect(fromProtoDuration({ seconds: "3", nanos: 1_000_000 })).toBe(durationMs(3001));
  });
});
