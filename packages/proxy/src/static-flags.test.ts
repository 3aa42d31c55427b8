import { expect, test } from "bun:test";
import { checkStaticFlags, readStaticFlags } from "./static-flags.ts";

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

test.each([
  ["-c a.yaml --mode=validate --use-dynamic-base-id -l info", ""],
  ["-c a.yaml --mod validate", '"--mod" is no flag'],
  ["-c a.yaml b.yaml", '"b.yaml" is no flag'],
  ["-c a.yaml --concurrency=2 --frob=1", '"--frob=1" is no flag'],
  ["-c a.yaml --service-node", "--service-node needs a value"],
])("%s: %p", (line, problem) => {
  const result = checkStaticFlags(line.split(" "));
  expect(result.ok ? "" : result.error).toStartWith(problem);
  expect(result.ok).toBe(problem === "");
});
