import { expect, test } from "bun:test";
import { dueTimes } from "./schedule.ts";

const at = (text: string) => Date.parse(text);

test("the last time that passed and the next one", () => {
  expect(dueTimes("*/5 * * * *", "", at("2026-01-01T12:01:00Z"), at("2026-01-01T12:11:00Z"))).toEqual({
    lastMs: at("2026-01-01T12:10:00Z"),
    missed: 2,
    nextMs: at("2026-01-01T12:15:00Z"),
  });
});

test("nothing was due yet; macros", () => {
  expect(dueTimes("@hourly", "", at("2026-01-01T12:01:00Z"), at("2026-01-01T12:11:00Z"))).toEqual({
    lastMs: undefined,
    missed: 0,
    nextMs: at("2026-01-01T13:00:00Z"),
  });
});

test("a time zone counts", () => {
  expect(
    dueTimes("0 3 * * *", "America/New_York", at("2026-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z")),
  ).toMatchObject({ nextMs: at("2026-01-01T08:00:00Z") });
});

test("a year asleep ends with the last one, quickly", () => {
  const due = dueTimes("* * * * *", "", at("2025-01-01T00:00:00Z"), at("2026-01-01T00:00:30Z"));
  expect(due).toMatchObject({ lastMs: at("2026-01-01T00:00:00Z"), nextMs: at("2026-01-01T00:01:00Z") });
});

test("what cannot be read says so", () => {
  expect(dueTimes("* * * * * *", "", 0, 0)).toContain("exactly 5 fields");
  expect(typeof dueTimes("61 * * * *", "", 0, 0)).toBe("string");
  expect(typeof dueTimes("* * * * *", "Mars/Olympus", 0, 0)).toBe("string");
});
