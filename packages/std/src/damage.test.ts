import { expect, test } from "bun:test";
import { damaged, seededRandom } from "./damage.testing.ts";
import { durationMs, formatGoDuration, formatProtoDuration, parseGoDuration, parseProtoDuration } from "./duration.ts";
import { isInRange, parseIp } from "./ip-range.ts";
import { parseExposition } from "./metrics/parse.ts";
import { createMetricsRegistry } from "./metrics/registry.ts";

// Whatever text arrives: nothing throws, nothing takes long, what was written is read back.

const random = seededRandom(81);
const WORDS = ["a", "é", '"', "\\", "\n", "{", "}", ",", "=", " ", "#", "+Inf", "\u{1f600}"];
const some = (most: number) =>
  Array.from({ length: Math.floor(random() * most) }, () => WORDS[Math.floor(random() * WORDS.length)]).join("");

test("expositions: every label and value that was written is read back", () => {
  for (let round = 0; round < 100; round++) {
    const registry = createMetricsRegistry();
    const gauge = registry.gauge({ name: "g", help: some(8), labels: ["a", "b"] });
    const values = new Map<string, number>();
    for (let i = 0; i < 10; i++) {
      const [a, b] = [some(6), some(6)];
      const value = (random() - 0.5) * 10 ** Math.floor(random() * 40 - 20);
      gauge.with(a, b).value = value;
      values.set(JSON.stringify([a, b]), value);
    }
    const { samples, problems } = parseExposition(registry.expose());
    expect(problems).toEqual([]);
    const read = samples.map(
      ({ labels, value }) => [JSON.stringify([labels.get("a"), labels.get("b")]), value] as const,
    );
    expect(new Map(read)).toEqual(values);
  }
});

test("expositions: each line of a damaged one is a sample or a problem", () => {
  const text =
    'up{a="b",c="d\\"e"} 1 1700000000000\nx_bucket{le="+Inf"} 3\n\n# TYPE x histogram\n# HELP x words\ny NaN\n';
  let found = 0;
  for (let round = 0; round < 3000; round++) {
    const bad = damaged(Buffer.from(text), random).toString("latin1");
    const { samples, problems } = parseExposition(bad);
    const lines = bad.split("\n").filter((line) => line.trim() !== "" && !line.trim().startsWith("#"));
    expect(samples.length + problems.length).toBe(lines.length);
    for (const problem of problems) expect(problem.length).toBeLessThan(200);
    found += samples.length;
  }
  expect(found).toBeGreaterThan(3000);
});

test.each([
  ["a label of 4 MB", `x{a="${"v".repeat(4_000_000)}"} 1`, 1],
  ["a label of 4 MB of escapes", `x{a="${"\\\\".repeat(2_000_000)}"} 1`, 1],
  ["a label without end", `x{a="${"\\v".repeat(2_000_000)}`, 0],
  ["many labels", `x{${'a="b",'.repeat(500_000)}} 1`, 1],
  ["many lines", "x 1\n".repeat(300_000), 300_000],
  ["a name without end", "x".repeat(4_000_000), 0],
  ["blanks", `x${" ".repeat(4_000_000)}y`, 0],
] as const)("expositions: %s costs what its length costs", (_name, text, samples) => {
  const start = process.cpuUsage();
  expect(parseExposition(text).samples).toHaveLength(samples);
  expect(process.cpuUsage(start).user / 1000).toBeLessThan(3000);
});

test("durations: written and read back, damaged ones refused or numbers", () => {
  for (let round = 0; round < 3000; round++) {
    const ns = Math.floor(random() * 10 ** Math.floor(random() * 16)) * (random() < 0.3 ? -1 : 1);
    const duration = durationMs(ns / 1e6);
    const [go, proto] = [formatGoDuration(duration), formatProtoDuration(duration)];
    for (const read of [parseGoDuration(go), parseProtoDuration(proto)])
      expect(read.ok && Math.abs(read.value - duration)).toBeLessThanOrEqual(Math.abs(duration) * 1e-9 + 1e-6);
    for (const text of [go, proto]) {
      const bad = damaged(Buffer.from(text), random).toString("utf8");
      for (const read of [parseGoDuration(bad), parseProtoDuration(bad)])
        if (read.ok) expect(Number.isNaN(read.value)).toBe(false);
        else expect(read.error).toContain("is not a");
    }
  }
});

test("addresses: damaged ones are none, or bytes of one family; no range holds what is none", () => {
  let read = 0;
  for (let round = 0; round < 5000; round++) {
    const text = damaged(Buffer.from(["10.1.2.3", "fd00::12:3", "::ffff:1.2.3.4"][round % 3] ?? ""), random).toString(
      "latin1",
    );
    const ip = parseIp(text);
    if (ip === undefined) {
      expect(isInRange(text, "0.0.0.0/0") || isInRange(text, "::/0")).toBe(false);
      continue;
    }
    read++;
    expect([4, 16]).toContain(ip.length);
    expect(isInRange(text, ip.length === 4 ? "0.0.0.0/0" : "::/0")).toBe(true);
    expect(isInRange(text, text)).toBe(true);
  }
  expect(read).toBeGreaterThan(100);
});
