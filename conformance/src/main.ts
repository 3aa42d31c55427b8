import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { runConnect } from "./connect.ts";
import { runGrpcInterop } from "./grpc-interop.ts";
import { runH2spec } from "./h2spec.ts";
import { type SuiteResult, type SuiteSkip, suiteTable, totals } from "./suite.ts";
import { runTls } from "./tls.ts";
import { runWebSocket } from "./websocket.ts";

const SUITES: Readonly<Record<string, () => Promise<SuiteResult | SuiteSkip>>> = {
  h2spec: runH2spec,
  "grpc-interop": runGrpcInterop,
  connect: runConnect,
  websocket: runWebSocket,
  tls: runTls,
};

/** Failures that are printed; the table has all. */
const SHOWN = 20;

/** `npm run conformance [-- SUITE…]`: runs the suites and rewrites their tables in `conformance/`. */
async function main(asked: readonly string[]): Promise<number> {
  const unknown = asked.filter((name) => SUITES[name] === undefined);
  if (unknown.length > 0) {
    console.error(`no suite ${unknown.join(", ")}; there are ${Object.keys(SUITES).join(", ")}`);
    return 2;
  }
  // Before the first table is rewritten.
  const made = whenAndWhat();
  let failed = 0;
  for (const [name, run] of Object.entries(SUITES)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    console.log(`== ${name}`);
    const result = await run();
    if ("skipped" in result) {
      console.log(`skipped: ${result.skipped}`);
      continue;
    }
    const sum = totals(result.groups);
    console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
    for (const failure of result.failures.slice(0, SHOWN)) console.log(`  failed: ${failure}`);
    if (result.failures.length > SHOWN) console.log(`  and ${result.failures.length - SHOWN} more`);
    failed += result.failures.length;
    writeFileSync(resolve(import.meta.dir, "..", `${result.name}.md`), suiteTable(result, made));
  }
  return failed === 0 ? 0 : 1;
}

/** Date and commit; a commit with changes of its own is said to be `dirty`. */
function whenAndWhat(): string {
  const commit = Bun.spawnSync(["git", "describe", "--always", "--dirty"], { cwd: import.meta.dir }).stdout.toString();
  return `Run on ${new Date().toISOString().slice(0, 10)}, commit ${commit.trim() || "unknown"}.`;
}

process.exit(await main(process.argv.slice(2)));
