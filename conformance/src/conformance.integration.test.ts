/** The suites that end in seconds; `npm run conformance` runs all of them and writes their tables. */
import { describe, expect, test } from "bun:test";
import { findProgram } from "./find-program.ts";
import { runGrpcInterop } from "./grpc-interop.ts";
import { runH2spec } from "./h2spec.ts";
import { type SuiteResult, type SuiteSkip, totals } from "./suite.ts";

function testSuite(
  name: string,
  programs: readonly string[],
  run: () => Promise<SuiteResult | SuiteSkip>,
  least: number,
) {
  const missing = programs.filter((program) => findProgram(program) === undefined);
  if (missing.length > 0) {
    test.skip(`${name} (skipped: ${missing.join(", ")} not installed)`, () => {});
    return;
  }
  test(name, async () => {
    const result = await run();
    if ("skipped" in result) throw new Error(result.skipped);
    expect(result.failures).toEqual([]);
    expect(totals(result.groups).passed).toBeGreaterThanOrEqual(least);
  }, 240_000);
}

describe("through the proxy", () => {
  testSuite("h2spec, strict, without a failure", ["h2spec"], runH2spec, 280);
  testSuite("gRPC interoperability", ["grpc-interop-client", "grpc-interop-server"], runGrpcInterop, 28);
});
