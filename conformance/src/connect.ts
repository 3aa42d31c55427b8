import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { findProgram, runProgram } from "./find-program.ts";
import type { SuiteResult, SuiteSkip } from "./suite.ts";

/** Plain text between client and sidecar, as in a mesh; HTTP/3 is no part of one. */
const FEATURES = `features:
  versions: [HTTP_VERSION_1, HTTP_VERSION_2]
  protocols: [PROTOCOL_CONNECT, PROTOCOL_GRPC, PROTOCOL_GRPC_WEB]
  codecs: [CODEC_PROTO, CODEC_JSON]
  compressions: [COMPRESSION_IDENTITY, COMPRESSION_GZIP]
  supportsH2c: true
  supportsTls: false
  supportsTrailers: true
  supportsHalfDuplexBidiOverHttp1: true
  supportsConnectGet: true
  supportsMessageReceiveLimit: true
`;

/** The Connect suite (gRPC, gRPC-Web, Connect) against its reference server behind a pair of sidecars. */
export async function runConnect(): Promise<SuiteResult | SuiteSkip> {
  const suite = findProgram("connectconformance");
  const server = findProgram("referenceserver");
  if (suite === undefined || server === undefined)
    return { skipped: "connectconformance and referenceserver are not installed (PATH, HEDDLE_TOOLS)" };
  const folder = mkdtempSync(join(tmpdir(), "heddle-connect-"));
  try {
    const conf = join(folder, "conf.yaml");
    writeFileSync(conf, FEATURES);
    const shim = [process.execPath, resolve(import.meta.dir, "connect-shim.ts"), server];
    const argv = [suite, "--mode", "server", "--conf", conf, "--max-servers", "2", "-p", "4", "-v", "--", ...shim];
    const { out } = await runProgram(argv, 600_000);
    const count = (pattern: RegExp) => Number(pattern.exec(out)?.[1] ?? 0);
    const passed = count(/(\d+) passed/);
    const failed = count(/(\d+) failed/);
    const failures = [...out.matchAll(/^FAILED: (.+?):?$/gm)].map((m) => m[1] ?? "");
    if (passed === 0) failures.push(`the suite gave no result: ${out.slice(-600)}`);
    return {
      name: "connect",
      title: "Connect conformance 1.0.5: gRPC, gRPC-Web, Connect",
      setting: "Reference client and server, HTTP/1.1 and HTTP/2 in plain text, two sidecars with mTLS between them.",
      groups: [{ name: "all protocols, versions and codecs", passed, failed, skipped: 0 }],
      failures,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
