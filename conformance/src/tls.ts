import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cluster, downstreamTls, httpFilterChain, listener } from "../../packages/proxy/test/rig/bootstrap.ts";
import { foreignCertificate } from "../../packages/proxy/test/rig/foreign-certificate.ts";
import { startOrigin } from "../../packages/proxy/test/rig/origin.ts";
import { envoyPath, type ProxyProcess, startProxy } from "../../packages/proxy/test/rig/proxy-process.ts";
import { issueWorkloads } from "../../packages/proxy/test/rig/workloads.ts";
import { freePorts } from "../../packages/std/src/free-ports.testing.ts";
import { findProgram, runProgram } from "./find-program.ts";
import { serverTls } from "./server-tls.ts";
import type { SuiteGroup, SuiteResult, SuiteSkip } from "./suite.ts";

const ENGINES = ["heddle", "envoy"] as const;
type Engine = (typeof ENGINES)[number];

/** One line of testssl's report. */
interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

/** From harmless to bad; what is not in it says nothing of good and bad. */
const SEVERITIES: readonly string[] = ["OK", "INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"];
/** Beginnings of names, by what they are about. */
const GROUPS: readonly (readonly [name: string, ids: RegExp])[] = [
  ["protocols", /^(SSLv|TLS1|NPN|ALPN)/],
  ["ciphers", /^cipherlist_/],
  ["forward secrecy, preferences", /^(PFS|cipher|protocol_negotiated)/],
  ["vulnerabilities", /./],
];
/** Of testssl itself, or of nothing that a server decides. */
const LEFT_OUT = /^(service|pre_128cipher|scanTime|engine_problem|DROWN_hint|cipher_?order_|optimal_proto)/;

/** testssl against a listener with Envoy's defaults, and clients with all kinds of certificates; ours and real Envoy, same configuration. */
export async function runTls(): Promise<SuiteResult | SuiteSkip> {
  const testssl = findProgram("testssl") ?? findProgram("testssl.sh");
  if (testssl === undefined) return { skipped: "testssl is not installed (Debian: testssl.sh)" };
  if (envoyPath() === undefined)
    return { skipped: "there is no Envoy to compare with (HEDDLE_ENVOY, or envoy on PATH)" };
  const folder = mkdtempSync(join(tmpdir(), "heddle-tls-"));
  const origin = await startOrigin(({ socket }) => {
    socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  });
  const { app, client, other } = await issueWorkloads(folder, ["app", "client", "other"]);
  const foreign = await foreignCertificate();
  const clients: Readonly<Record<string, { readonly cert: string; readonly key: string } | undefined>> = {
    none: undefined,
    "the accepted name": read(client),
    "another name of the same CA": read(other),
    "the accepted name of another CA": foreign,
  };
  const chain = httpFilterChain("app");
  const required = { ...chain, ...downstreamTls(app, client, ["http/1.1"]) };
  const asked = JSON.stringify(required).replace(
    '"require_client_certificate":true',
    '"require_client_certificate":false',
  );
  const named = JSON.parse(asked);
  const optional = JSON.parse(asked.replace(/,"match_typed_subject_alt_names":\[.*?\]/, ""));
  const plain = { ...chain, ...serverTls(foreign, { alpn_protocols: ["h2", "http/1.1"] }) };
  const started: ProxyProcess[] = [];
  const look = async (engine: Engine) => {
    const [open = 0, needs = 0, names = 0, takes = 0, adminPort = 0] = freePorts(5);
    const listeners = [
      listener("open", open, [plain]),
      listener("needs", needs, [required]),
      listener("names", names, [named]),
      listener("takes", takes, [optional]),
    ];
    const clusters = [cluster("app", [origin.port], "http1")];
    started.push(await startProxy({ engine, adminPort, bootstrap: { static_resources: { listeners, clusters } } }));
    const answers: [string, string][] = [];
    for (const [rule, port] of [
      ["required", needs],
      ["optional, with names", names],
      ["optional", takes],
    ] as const)
      for (const [name, pair] of Object.entries(clients))
        answers.push([`client certificate ${rule}: ${name}`, await outcome(port, pair)]);
    const report = join(folder, `${engine}.json`);
    const flags = ["--quiet", "--color", "0", "--warnings", "off", "--ip", "one", "-p", "-s", "-f", "-P", "-U"];
    await runProgram([testssl, ...flags, "--jsonfile", report, `127.0.0.1:${open}`], 600_000);
    const findings = (JSON.parse(readFileSync(report, "utf8")) as Finding[]).filter(({ id }) => !LEFT_OUT.test(id));
    return { answers: new Map(answers), findings: new Map(findings.map((one) => [one.id, one])) };
  };
  try {
    const [ours, envoy] = await Promise.all([look("heddle"), look("envoy")]);
    return compare(ours, envoy);
  } finally {
    for (const proxy of started) await proxy.stop();
    origin.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function read(files: { readonly chain: string; readonly key: string }): { cert: string; key: string } {
  return { cert: readFileSync(files.chain, "utf8"), key: readFileSync(files.key, "utf8") };
}

async function outcome(port: number, pair: { cert: string; key: string } | undefined): Promise<string> {
  try {
    const tls = { rejectUnauthorized: false, ...pair };
    const answer = await fetch(`https://127.0.0.1:${port}/`, { tls, keepalive: false });
    await answer.arrayBuffer();
    return String(answer.status);
  } catch {
    return "refused";
  }
}

interface Seen {
  readonly answers: ReadonlyMap<string, string>;
  readonly findings: ReadonlyMap<string, Finding>;
}

/** Fails what testssl rates worse than at Envoy, and every other decision over a client. */
function compare(ours: Seen, envoy: Seen): SuiteResult {
  const failures: string[] = [];
  const counts = new Map<string, { passed: number; failed: number }>();
  const count = (group: string, good: boolean, failure: string) => {
    const known = counts.get(group) ?? { passed: 0, failed: 0 };
    counts.set(group, known);
    if (good) known.passed++;
    else {
      known.failed++;
      failures.push(failure);
    }
  };
  const rows: string[] = [];
  const row = (what: string, mine: string, its: string) =>
    void rows.push(`| ${what} | ${mine} | ${mine === its ? "the same" : its} |`);
  for (const [id, { severity, finding }] of ours.findings) {
    const its = envoy.findings.get(id);
    const group = GROUPS.find(([, ids]) => ids.test(id))?.[0] ?? "";
    const rated = (text: string | undefined) => Math.max(0, SEVERITIES.indexOf(text ?? "OK"));
    const good = rated(severity) <= Math.max(rated(its?.severity), SEVERITIES.indexOf("INFO"));
    count(group, good, `${id}: ${severity} ${finding}; Envoy: ${its?.severity} ${its?.finding}`);
    row(id, finding.trim(), its?.finding.trim() ?? "–");
  }
  for (const [what, mine] of ours.answers) {
    const its = envoy.answers.get(what) ?? "";
    count("client certificates", mine === its, `${what}: ${mine}; Envoy: ${its}`);
    row(what, mine, its);
  }
  const groups: SuiteGroup[] = [...counts].map(([name, { passed, failed }]) => ({ name, passed, failed, skipped: 0 }));
  return {
    name: "tls",
    title: "TLS: testssl.sh 3.0.8, and certificates of clients",
    setting:
      "The same listeners here and in Envoy 1.40, with Envoy's defaults; what testssl rates worse than at Envoy has failed, and so has another answer to a client.",
    groups,
    failures,
    appendix: ["| | here | Envoy 1.40 |", "|---|---|---|", ...rows].join("\n"),
  };
}
