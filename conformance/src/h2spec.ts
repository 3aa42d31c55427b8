import { cluster, httpFilterChain, listener } from "../../packages/proxy/test/rig/bootstrap.ts";
import { foreignCertificate } from "../../packages/proxy/test/rig/foreign-certificate.ts";
import { startOrigin } from "../../packages/proxy/test/rig/origin.ts";
import { startProxy } from "../../packages/proxy/test/rig/proxy-process.ts";
import { freePorts } from "../../packages/std/src/free-ports.testing.ts";
import { findProgram, runProgram } from "./find-program.ts";
import { serverTls } from "./server-tls.ts";
import type { SuiteGroup, SuiteResult, SuiteSkip } from "./suite.ts";

/** h2spec against a plain-text listener of the proxy and one with TLS, with an HTTP/1 application behind them. */
export async function runH2spec(): Promise<SuiteResult | SuiteSkip> {
  const h2spec = findProgram("h2spec");
  if (h2spec === undefined) return { skipped: "h2spec is not installed (PATH, HEDDLE_TOOLS)" };
  const body = "x".repeat(2000);
  const origin = await startOrigin(({ socket }) => {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  });
  const [plain = 0, secure = 0, adminPort = 0] = freePorts(3);
  // AUTO would take the broken preface of one case for HTTP/1, and answer it in HTTP/1.
  const chain = httpFilterChain("app", { codec_type: "HTTP2" });
  const secured = { ...chain, ...serverTls(await foreignCertificate(), { alpn_protocols: ["h2"] }) };
  const proxy = await startProxy({
    engine: "heddle",
    adminPort,
    bootstrap: {
      static_resources: {
        listeners: [listener("plain", plain, [chain]), listener("secure", secure, [secured])],
        clusters: [cluster("app", [origin.port], "http1")],
      },
    },
  });
  const ask = async (port: number, name: string, ...more: readonly string[]) => {
    const argv = [h2spec, "--strict", "-h", "127.0.0.1", "-p", String(port), "-o", "10", ...more];
    const { groups, failures } = readReport((await runProgram(argv, 180_000)).out);
    return {
      groups: groups.map((group) => ({ ...group, name: `${name}: ${group.name}` })),
      failures: failures.map((failure) => `${name}: ${failure}`),
    };
  };
  try {
    const found = [await ask(plain, "plain text"), await ask(secure, "TLS", "-t", "-k")];
    return {
      name: "h2spec",
      title: "h2spec 2.2.1, strict",
      setting:
        "A listener in plain text and one with TLS, an HTTP connection manager (codec HTTP2), an HTTP/1.1 application behind it.",
      groups: found.flatMap(({ groups }) => groups),
      failures: found.flatMap(({ failures }) => failures),
    };
  } finally {
    await proxy.stop();
    origin.close();
  }
}

/** Reads h2spec's report: parts without indentation, one line for each case, then the failures and a summary. */
function readReport(out: string): { groups: readonly SuiteGroup[]; failures: string[] } {
  const summary = /(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed/.exec(out);
  if (summary === null) return { groups: [], failures: [`h2spec gave no summary: ${out.slice(-500)}`] };
  const [cases = "", failed = ""] = out.split("\nFailures:");
  const groups: { name: string; passed: number; failed: number; skipped: number }[] = [];
  for (const line of cases.split("\n")) {
    // A case is written twice: while it runs, and behind a carriage return with its mark.
    const text = line.split("\r").at(-1)?.trim() ?? "";
    const group = groups.at(-1);
    if (/^[A-Z]/.test(line) && !/^\d+ tests|^Finished/.test(line))
      groups.push({ name: line.trim(), passed: 0, failed: 0, skipped: 0 });
    else if (group === undefined) continue;
    else if (text.startsWith("✔")) group.passed++;
    else if (text.startsWith("×")) group.failed++;
    else if (text.startsWith("-")) group.skipped++;
  }
  const failures = failed.split("\n").flatMap((line) => (/^\s*×/.test(line) ? [line.trim()] : []));
  return { groups, failures };
}
