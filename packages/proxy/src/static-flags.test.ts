import { expect, test } from "bun:test";
import { readStaticFlags } from "./static-flags.ts";

const read = (flags: Readonly<Record<string, string>>) =>
  readStaticFlags((...names) => names.map((name) => flags[name]).find((value) => value !== undefined));

test("Envoy's defaults, and what is asked for", () => {
  expect(read({})).toEqual({ ok: true, value: { validateOnly: false, drainMs: 600_000 } });
  expect(read({ "--mode": "validate", "--drain-time-s": "0" })).toEqual({
    ok: true,
    value: { validateOnly: true, drainMs: 0 },
  });
});

test.each([
  ["--drain-time-s", "abc"],
  ["--drain-time-s", ""],
  ["--drain-time-s", "-1"],
  ["--drain-time-s", "1.5"],
  ["--drain-time-s", "1e20"],
  ["--mode", "validat"],
  ["--mode", ""],
])("%s %p is refused by its name", (name, value) => {
  const result = read({ [name]: value });
  expect(result.ok ? "" : result.error).toStartWith(`${name} is ${JSON.stringify(value)}; use`);
});
