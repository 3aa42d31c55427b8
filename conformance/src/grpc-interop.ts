import { eventually } from "../../packages/proxy/test/rig/eventually.ts";
import { startPair } from "../../packages/proxy/test/rig/pair.ts";
import { connectRaw } from "../../packages/proxy/test/rig/raw-client.ts";
import { freePort } from "../../packages/std/src/free-ports.testing.ts";
import { findProgram, runProgram } from "./find-program.ts";
import type { SuiteGroup, SuiteResult, SuiteSkip } from "./suite.ts";

/** Cases of gRPC's interoperability description that need no Google credentials. */
const CASES = [
  "empty_unary",
  "large_unary",
  "client_streaming",
  "server_streaming",
  "ping_pong",
  "empty_stream",
  "timeout_on_sleeping_server",
  "cancel_after_begin",
  "cancel_after_first_response",
  "status_code_and_message",
  "special_status_message",
  "custom_metadata",
  "unimplemented_method",
  "unimplemented_service",
] as const;

/** grpc-go's client and server with a pair of sidecars between them. */
export async function runGrpcInterop(): Promise<SuiteResult | SuiteSkip> {
  const client = findProgram("grpc-interop-client");
  const server = findProgram("grpc-interop-server");
  if (client === undefined || server === undefined)
    return { skipped: "grpc-interop-client and grpc-interop-server are not installed (PATH, HEDDLE_TOOLS)" };
  const origin = freePort();
  const child = Bun.spawn([server, "-port", String(origin)], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  const pair = await startPair({
    services: { declared: { origin, declared: "http" }, undeclared: { origin, declared: "sniff" } },
  });
  try {
    await eventually("the interop server listens", async () => {
      (await connectRaw(origin)).close();
      return true;
    });
    const groups: SuiteGroup[] = [];
    const failures: string[] = [];
    for (const [name, { outbound }] of Object.entries(pair.ports)) {
      let passed = 0;
      for (const one of CASES) {
        const argv = [client, "-server_host", "127.0.0.1", "-server_port", String(outbound), "-test_case", one];
        const { code, out } = await runProgram(argv, 30_000);
        if (code === 0) passed++;
        else failures.push(`${name} port, ${one}: ${out.trim().split("\n").at(-1) ?? ""}`);
      }
      groups.push({ name: `${name} port`, passed, failed: CASES.length - passed, skipped: 0 });
    }
    return {
      name: "grpc-interop",
      title: "gRPC interoperability, grpc-go at both ends",
      setting: `Through two sidecars with mTLS; ${CASES.length} cases: ${CASES.join(", ")}.`,
      groups,
      failures,
    };
  } finally {
    await pair.stop();
    child.kill("SIGKILL");
    await child.exited;
  }
}
