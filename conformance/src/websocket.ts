import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

/** Autobahn's fuzzing client against its own testee server behind a pair of sidecars; all sections together take some ten minutes. */
export async function runWebSocket(): Promise<SuiteResult | SuiteSkip> {
  const wstest = findProgram("wstest");
  if (wstest === undefined)
    return {
      skipped: "wstest is not installed (autobahntestsuite 25.10.1 in a Python 2.7 environment; PATH, HEDDLE_TOOLS)",
    };
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
        cases: Object.keys(SECTIONS).map((section) => `${section}.*`),
        "exclude-cases": [],
        "exclude-agent-cases": {},
      }),
    );
    const { code, out } = await runProgram([wstest, "-m", "fuzzingclient", "-s", spec], 900_000);
    const index = join(folder, "index.json");
    if (code !== 0) return failed(`wstest ended with ${code}: ${out.slice(-500)}`);
    return read(JSON.parse(readFileSync(index, "utf8")) as Record<string, Record<string, CaseReport>>);
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

function read(report: Readonly<Record<string, Readonly<Record<string, CaseReport>>>>): SuiteResult {
  const cases = Object.entries(report["pair"] ?? {});
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
