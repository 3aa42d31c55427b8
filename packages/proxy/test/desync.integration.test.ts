/** Requests that two parsers could read differently: what we decide, what real Envoy decides on the same bytes, and why they differ. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { resolve } from "node:path";
import { type Decision, decide, decideHttp2, type Judge, startJudge } from "./rig/decide.ts";
import { type DecisionRow, decisionText, readDecisionTable, writeDecisionTable } from "./rig/decision-table.ts";
import { DESYNC_CASES } from "./rig/desync-cases.ts";
import { INJECTION_CASES } from "./rig/injection-cases.ts";
import { envoyPath } from "./rig/proxy-process.ts";
import { differenceReason } from "./rig/wanted-differences.ts";

setDefaultTimeout(120_000);
const CONFORMANCE = resolve(import.meta.dir, "../../../conformance");
const record = process.env["HEDDLE_RECORD"] !== undefined;
const envoy = envoyPath();
if (envoy === undefined) console.log("skipped: the comparison with Envoy, which is not here (HEDDLE_ENVOY)");

let ours: Judge;
let theirs: Judge | undefined;

beforeAll(async () => {
  ours = await startJudge("heddle");
  if (envoy !== undefined) theirs = await startJudge("envoy");
});

afterAll(async () => {
  await Promise.all([ours?.close(), theirs?.close()]);
});

interface Suite {
  readonly title: string;
  readonly file: string;
  readonly http2: boolean;
  readonly names: readonly string[];
  run(judge: Judge): Promise<Decision[]>;
}

/** Case numbers begin here, so that no number is part of another. */
const FIRST = 1000;

const suites: readonly Suite[] = [
  {
    title: "# HTTP/1.1: smuggling and desynchronisation",
    file: "desync-http1.md",
    http2: false,
    names: DESYNC_CASES.map((one) => one.name),
    run: (judge) => Promise.all(DESYNC_CASES.map((one, i) => decide(judge, one.bytes, FIRST + i))),
  },
  {
    title: "# HTTP/2 to HTTP/1.1: injection by downgrade",
    file: "desync-http2.md",
    http2: true,
    names: INJECTION_CASES.map((one) => one.name),
    run: (judge) => Promise.all(INJECTION_CASES.map((one, i) => decideHttp2(judge, one, FIRST + i))),
  },
];

for (const suite of suites) {
  describe(suite.title.slice(2), () => {
    const path = resolve(CONFORMANCE, suite.file);
    const recorded = readDecisionTable(path);
    let decisions: Decision[] = [];

    test("every decision is the recorded one", async () => {
      decisions = await suite.run(ours);
      const texts = decisions.map((decision) => decisionText(decision, suite.http2));
      if (record) return;
      for (const [i, name] of suite.names.entries())
        expect(`${name}: ${texts[i]}`).toBe(`${name}: ${recorded.get(name)?.heddle}`);
    });

    test("no hidden request gets through, and the application sees clean lines only", () => {
      for (const [i, { smuggled, heads }] of decisions.entries()) {
        const name = suite.names[i];
        expect(`${name}: ${smuggled}`).toBe(`${name}: false`);
        for (const head of heads) expect(/\r(?!\n)|(?<!\r)\n|\0/.test(head) ? `${name}: ${head}` : "").toBe("");
      }
    });

    test("both proxies still serve afterwards", async () => {
      for (const judge of [ours, theirs]) {
        if (judge === undefined) continue;
        expect((await decide(judge, "GET /c# HTTP/1.1\r\nhost: a\r\n\r\n", 999)).answer).toBe("200");
      }
    });

    test.skipIf(envoy === undefined)("where Envoy decides otherwise there is a reason", async () => {
      if (theirs === undefined) return;
      const other = await suite.run(theirs);
      const rows: DecisionRow[] = suite.names.map((name, i) => {
        const mine = decisions[i];
        const its = other[i];
        const heddle = mine === undefined ? "" : decisionText(mine, suite.http2);
        const envoySays = its === undefined ? "" : decisionText(its, suite.http2);
        const reason = heddle === envoySays ? "" : (differenceReason(name) ?? "");
        return { name, heddle, envoy: envoySays, reason };
      });
      if (record) writeDecisionTable(path, suite.title, rows);
      expect(rows.filter((row) => row.heddle !== row.envoy && row.reason === "")).toEqual([]);
    });
  });
}
