import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../packages/proxy/test/rig/eventually.ts";
import { startPair } from "../../packages/proxy/test/rig/pair.ts";
import { connectRaw } from "../../packages/proxy/test/rig/raw-client.ts";
import { freePort } from "../../packages/std/src/free-ports.testing.ts";
import { findProgram, runProgram } from "./find-program.ts";
import type { SuiteGroup, SuiteResult, SuiteSkip } from "./suite.ts";

/** Autobahn's sections; its echo server has no compression (12, 13), its testee server has. */
const SECTIONS: Readonly<Record<string, string>> = {
  "1": "framing",
  "2": "pings and pongs",
  "3": "reserved bits",
  "4": "opcodes",
  "5": "fragmentation",
  "6": "UTF-8 handling",
  "7": "closing",
  "9": "limits and performance",
  "10": "auto-fragmentation",
  "12": "compression, all kinds of payload",
  "13": "compression, negotiated parameters",
};

/** What Autobahn wrote of one case. */
interface CaseReport {
  readonly behavior: string;
  readonly behaviorClose: string;
}

const FINE: ReadonlySet<string> = new Set(["OK", "NON-STRICT", "INFORMATIONAL"]);

/** Parts that are run one after another, so that one that is lost costs little; most of the time goes to 12 and 13. */
const PARTS: readonly string[] = [
  ...["1", "2", "3", "4", "5", "6", "7", "9", "10"].map((section) => `${section}.*`),
  ...[1, 2, 3, 4, 5].map((part) => `12.${part}.*`),
  ...[1, 2, 3, 4, 5, 6, 7].map((part) => `13.${part}.*`),
];
/** The suite itself is slow: Python 2.7 that compresses 1,000 messages of 128 kB both ways. */
const PART_TIMEOUT_MS = 3_600_000;

/**
 * Autobahn's fuzzing client against its own testee server behind a pair of sidecars. All but 12 and 13 take some ten minutes, those an hour.
 * `HEDDLE_WEBSOCKET_KEEP` is a folder for the reports of parts: those that are there are not run again.
 */
export async function runWebSocket(): Promise<SuiteResult | SuiteSkip> {
  const wstest = findProgram("wstest");
  if (wstest === undefined)
    return {
      skipped: "wstest is not installed (autobahntestsuite 25.10.1 in a Python 2.7 environment; PATH, HEDDLE_TOOLS)",
    };
  const kept = process.env["HEDDLE_WEBSOCKET_KEEP"];
  const cases: Record<string, CaseReport> = {};
  for (const part of PARTS) {
    const path = kept === undefined ? undefined : join(kept, `${part.replaceAll(".", "-").replace("-*", "")}.json`);
    const known = path !== undefined && existsSync(path);
    const report = known ? readReport(path) : await runPart(wstest, part);
    if (typeof report === "string") return failed(`${part}: ${report}`);
    if (path !== undefined && !known) writeFileSync(path, JSON.stringify(report));
    console.log(`${part} ${known ? "known" : "run"}: ${Object.keys(report).length} cases`);
    Object.assign(cases, report);
  }
  return read(cases);
}

function readReport(path: string): Record<string, CaseReport> {
  return JSON.parse(readFileSync(path, "utf8")) as Record<string, CaseReport>;
}

/** Errors: a sentence when the suite did not come to its end. */
async function runPart(wstest: string, part: string): Promise<Record<string, CaseReport> | string> {
  const folder = mkdtempSync(join(tmpdir(), "heddle-websocket-"));
  const origin = freePort();
  const server = Bun.spawn([wstest, "-m", "testeeserver", "-w", `ws://127.0.0.1:${origin}`], {
    cwd: folder,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  // It refuses a Host with another port than its own.
  const route = { host_rewrite_literal: `127.0.0.1:${origin}` };
  const pair = await startPair({ services: { app: { origin, declared: "http", route } } });
  try {
    await eventually("the testee server listens", async () => {
      (await connectRaw(origin)).close();
      return true;
    });
    const spec = join(folder, "spec.json");
    writeFileSync(
      spec,
      JSON.stringify({
        outdir: folder,
        servers: [{ agent: "pair", url: `ws://127.0.0.1:${pair.ports.app.outbound}` }],
        cases: [part],
        "exclude-cases": [],
        "exclude-agent-cases": {},
      }),
    );
    const { code, out } = await runProgram([wstest, "-m", "fuzzingclient", "-s", spec], PART_TIMEOUT_MS);
    const index = join(folder, "index.json");
    if (code !== 0) return `wstest ended with ${code}: ${out.slice(-500)}`;
    const reports = JSON.parse(readFileSync(index, "utf8")) as Record<string, Record<string, CaseReport>>;
    return reports["pair"] ?? "the report has no cases";
  } finally {
    await pair.stop();
    server.kill("SIGKILL");
    await server.exited;
    rmSync(folder, { recursive: true, force: true });
  }
}

const HEAD = {
  name: "websocket",
  title: "Autobahn test suite 25.10.1 (WebSocket)",
  setting:
    "Autobahn's fuzzing client and testee server (permessage-deflate), two sidecars with mTLS between them; behaviour and closing must both be right.",
};

function failed(reason: string): SuiteResult {
  return { ...HEAD, groups: [], failures: [reason] };
}

function read(report: Readonly<Record<string, CaseReport>>): SuiteResult {
  const cases = Object.entries(report);
  const failures: string[] = [];
  const groups: SuiteGroup[] = [];
  for (const [section, what] of Object.entries(SECTIONS)) {
    const own = cases.filter(([name]) => name.startsWith(`${section}.`));
    const bad = own.filter(([, one]) => !FINE.has(one.behavior) || !FINE.has(one.behaviorClose));
    for (const [name, one] of bad) failures.push(`${name}: ${one.behavior}, closing ${one.behaviorClose}`);
    groups.push({ name: `${section} ${what}`, passed: own.length - bad.length, failed: bad.length, skipped: 0 });
  }
  return cases.length === 0 ? failed("the report has no cases") : { ...HEAD, groups, failures };
}
