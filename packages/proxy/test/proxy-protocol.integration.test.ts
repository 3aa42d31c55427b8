/** What a load balancer's PROXY header says beyond addresses: kept by rules, for logs, beside real Envoy. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@heddle/std/free-ports";
import { writeProxyV1, writeProxyV2 } from "@heddle/wire";
import { cluster, type Json, listener, tcpFilterChain } from "./rig/bootstrap.ts";
import { presentEngines } from "./rig/engines.ts";
import { eventually } from "./rig/eventually.ts";
import { type Origin, startOrigin } from "./rig/origin.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { connectRaw } from "./rig/raw-client.ts";

setDefaultTimeout(60_000);
const EXT = "type.googleapis.com/envoy.extensions";
const folder = mkdtempSync(join(tmpdir(), "heddle-tlv-"));
const engines = presentEngines();
if (engines.length === 1) console.log("skipped: the comparison with Envoy, which is not here (HEDDLE_ENVOY)");
let origin: Origin;
const running: ProxyProcess[] = [];
const ports: Record<string, { readonly rules: number; readonly onlyV1: number }> = {};

const filter = (fields: Json): Json => ({
  listener_filters: [
    {
      name: "proxy_protocol",
      typed_config: { "@type": `${EXT}.filters.listener.proxy_protocol.v3.ProxyProtocol`, ...fields },
    },
  ],
});
const NAMESPACE = "envoy.filters.listener.proxy_protocol";
const FORMAT = `%DYNAMIC_METADATA(${NAMESPACE})% %DYNAMIC_METADATA(${NAMESPACE}:endpoint)% %DYNAMIC_METADATA(own:name)% %DOWNSTREAM_REMOTE_ADDRESS%\n`;

async function start(engine: "heddle" | "envoy"): Promise<void> {
  const [rules = 0, onlyV1 = 0, adminPort = 0] = freePorts(3);
  ports[engine] = { rules, onlyV1 };
  const log = (port: string): Json => ({
    access_log: [
      {
        name: "envoy.access_loggers.file",
        typed_config: {
          "@type": `${EXT}.access_loggers.file.v3.FileAccessLog`,
          path: join(folder, `${engine}-${port}.log`),
          log_format: { text_format_source: { inline_string: FORMAT } },
        },
      },
    ],
  });
  const keeps = {
    rules: [
      { tlv_type: 0xea, on_tlv_present: { key: "endpoint" } },
      { tlv_type: 2, on_tlv_present: { metadata_namespace: "own", key: "name" } },
      { tlv_type: 7 },
    ],
  };
  running.push(
    await startProxy({
      engine,
      adminPort,
      // Envoy's log is written every ten seconds.
      args: engine === "envoy" ? ["--file-flush-interval-msec", "50"] : [],
      bootstrap: {
        static_resources: {
          listeners: [
            listener("rules", rules, [tcpFilterChain("app", log("rules"))], filter(keeps)),
            listener(
              "v1",
              onlyV1,
              [tcpFilterChain("app", log("v1"))],
              filter({ disallowed_versions: ["V2"], allow_requests_without_proxy_protocol: true }),
            ),
          ],
          clusters: [cluster("app", [origin.port], "http1")],
        },
      },
    }),
  );
}

beforeAll(async () => {
  origin = await startOrigin(({ socket }) => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
  for (const engine of engines) await start(engine);
});
afterAll(async () => {
  await Promise.all(running.map((proxy) => proxy.stop()));
  origin?.close();
  rmSync(folder, { recursive: true, force: true });
});

const header = (tlvs: readonly (readonly [type: number, value: string | Uint8Array])[]) =>
  ({
    kind: "proxied",
    family: "ipv4",
    source: { host: "10.1.2.3", port: 4711 },
    destination: { host: "10.9.9.9", port: 80 },
    tlvs: tlvs.map(([type, value]) => ({ type, value: Buffer.from(value) })),
  }) as const;

/** The lines that each engine logs for connections with these first bytes, and whether they were served. */
async function logged(port: "rules" | "onlyV1", starts: readonly Uint8Array[]): Promise<readonly string[][]> {
  const all: string[][] = [];
  for (const engine of engines) {
    const path = join(folder, `${engine}-${port === "rules" ? "rules" : "v1"}.log`);
    const lines = () => {
      try {
        return readFileSync(path, "utf8").split("\n").slice(0, -1);
      } catch {
        return [];
      }
    };
    const found: string[] = [];
    for (const start of starts) {
      const before = lines().length;
      const client = await connectRaw(ports[engine]?.[port] ?? 0);
      client.send(start);
      client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
      const answer = await client.until((r) => r.endsWith("ok")).catch(() => client.state());
      client.close();
      await eventually("its line", () => lines().length > before);
      const line = lines()
        .slice(before)
        .join("|")
        .replace(/127\.0\.0\.1:\d+/, "peer");
      found.push(`${answer.endsWith("ok") ? "served" : answer} ${line}`);
    }
    all.push(found);
  }
  return all;
}

describe("rules", () => {
  test("values that rules name are metadata of the connection, as text; others are not kept", async () => {
    const [ours, theirs] = await logged("rules", [
      writeProxyV2(
        header([
          [0xea, "vpce-1234"],
          [2, "app.example"],
          [5, "other"],
          [7, "no key"],
        ]),
      ),
      writeProxyV2(
        header([
          [2, "first"],
          [2, "second"],
        ]),
      ),
      writeProxyV2(header([[0xea, Uint8Array.of(0x61, 0xff, 0x62)]])),
      // Cut off, a byte order mark, the replacement character itself, a surrogate.
      writeProxyV2(header([[0xea, Uint8Array.of(0xe2, 0x82, 0x41)]])),
      writeProxyV2(header([[0xea, "\u{feff}a\u{fffd}b"]])),
      writeProxyV2(header([[0xea, Uint8Array.of(0xed, 0xa0, 0x80, 0x62, 0xf0, 0x9f, 0x98)]])),
      writeProxyV2(header([[0xea, "€ 😀 é"]])),
      writeProxyV2(header([[0xea, ""]])),
      writeProxyV2(header([])),
      writeProxyV1(header([])),
    ]);
    expect(ours?.[0]).toBe('served {"":"no key","endpoint":"vpce-1234"} vpce-1234 app.example 10.1.2.3:4711');
    if (theirs !== undefined) expect(ours).toEqual(theirs);
  });

  test("a version that is not allowed is data where no header is needed", async () => {
    const [ours, theirs] = await logged("onlyV1", [writeProxyV1(header([]))]);
    expect(ours?.[0]).toContain("10.1.2.3:4711");
    if (theirs !== undefined) expect(ours).toEqual(theirs);
    for (const engine of engines) {
      const client = await connectRaw(ports[engine]?.onlyV1 ?? 0);
      const before = origin.heads.length;
      client.send(writeProxyV2(header([])));
      client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
      await eventually("it reached the application as it came", () => origin.heads.length > before);
      expect(origin.heads.at(-1)).toContain("\r\nQUIT\n");
      client.close();
    }
  });
});
