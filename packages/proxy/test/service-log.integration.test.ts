/** Entries for access log services: field by field what real Envoy sends for the same HTTP requests and TCP connections, plain and over mutual TLS. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { createRegistry, toJson } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { freePorts } from "@heddle/std/free-ports";
import { HTTPAccessLogEntrySchema, TCPAccessLogEntrySchema } from "@heddle/xds-api/envoy/data/accesslog/v3/accesslog";
import { ENGINES, type Engine, withoutEnvoy } from "./rig/engines.ts";
import { eventually } from "./rig/eventually.ts";
import { startLogService } from "./rig/log-service.ts";
import { type Origin, startOrigin } from "./rig/origin.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { connectRaw } from "./rig/raw-client.ts";
import { serviceLogBootstrap } from "./rig/service-log-config.ts";
import { talk } from "./rig/talk.ts";
import { issueWorkloads, type WorkloadFiles } from "./rig/workloads.ts";

const skip = withoutEnvoy();
type Json = Readonly<Record<string, unknown>>;

const request = (path: string, ...fields: string[]): string =>
  [`GET ${path} HTTP/1.1`, "host: log.test", ...fields, "", ""].join("\r\n");
/** Sends bytes, and ends the connection when the answer is whole. */
const said = async (port: number, bytes: string, end: RegExp): Promise<void> => {
  const client = await connectRaw(port);
  client.send(bytes);
  await client.until((heard) => end.test(heard));
  client.close();
};
const ANSWERED = /\r\n\r\n[\s\S]*(ok|teapot|denied|failure)|content-length: 0[\s\S]*\r\n\r\n/;

describe.skipIf(skip)("entries as real Envoy sends them", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-service-log-"));
  const registry = createRegistry(StringValueSchema);
  let origin: Origin;
  let files: Readonly<Record<"client" | "server", WorkloadFiles>>;
  const proxies: Partial<Record<Engine, ProxyProcess>> = {};
  const services: Partial<Record<Engine, Awaited<ReturnType<typeof startLogService>>>> = {};
  const ports: Partial<Record<Engine, readonly number[]>> = {};

  beforeAll(async () => {
    files = await issueWorkloads(folder, ["client", "server"]);
    origin = await startOrigin(({ target, socket }) => {
      if (target.includes("trailers"))
        socket.write(
          "HTTP/1.1 200 OK\r\nx-origin: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-last: z\r\nx-more: y\r\n\r\n",
        );
      else socket.write("HTTP/1.1 200 OK\r\nx-origin: a\r\ncontent-length: 2\r\n\r\nok");
    });
    const free = freePorts(10);
    await Promise.all(
      ENGINES.map(async (engine) => {
        const service = await startLogService();
        services[engine] = service;
        const [web = 0, secure = 0, tcp = 0, dead = 0] = free.splice(0, 4);
        ports[engine] = [web, secure, tcp, dead];
        proxies[engine] = await startProxy({
          engine,
          bootstrap: serviceLogBootstrap({ web, secure, tcp, dead, origin: origin.port, logs: service.port, ...files }),
          adminPort: free.pop() ?? 0,
          env: { MESH_PLACE: "north" },
        });
      }),
    );
  }, 40_000);

  afterAll(async () => {
    await Promise.all(Object.values(proxies).map((proxy) => proxy.stop()));
    for (const service of Object.values(services)) service.close();
    origin?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The entries that come of one conversation; times and ports are there or not, or are our own. */
  const entries = async (engine: Engine, at: number, run: (port: number) => Promise<unknown>): Promise<Json[]> => {
    const messages = services[engine]?.messages ?? [];
    const all = (): Json[] =>
      messages.flatMap(({ logEntries }) =>
        logEntries.case === "httpLogs"
          ? logEntries.value.logEntry.map((entry) => toJson(HTTPAccessLogEntrySchema, entry, { registry }) as Json)
          : logEntries.case === "tcpLogs"
            ? logEntries.value.logEntry.map((entry) => toJson(TCPAccessLogEntrySchema, entry, { registry }) as Json)
            : [],
      );
    const before = all().length;
    await run(ports[engine]?.[at] ?? 0);
    await eventually(`an entry of ${engine}`, () => all().length > before);
    return all()
      .slice(before)
      .map((entry) => comparable(entry));
  };
  const both = async (at: number, run: (port: number) => Promise<unknown>): Promise<Json[]> => {
    const [ours = [], theirs = []] = await Promise.all(ENGINES.map((engine) => entries(engine, at, run)));
    expect(ours).toEqual(theirs);
    return ours;
  };
  const secured = (port: number, bytes: string): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const socket = connectTls({
        port,
        host: "127.0.0.1",
        cert: Bun.file(files.client.chain),
        key: Bun.file(files.client.key),
        ca: Bun.file(files.client.root),
        servername: "log.test",
        checkServerIdentity: () => undefined,
      } as Parameters<typeof connectTls>[0]);
      socket.on("secureConnect", () => socket.write(bytes));
      socket.on("data", (chunk) => void (chunk.toString().endsWith("ok") && socket.end()));
      socket.on("close", resolve);
      socket.on("error", reject);
    });

  test("a request with tags, metadata, filter state, headers", async () => {
    const [entry] = await both(0, (port) =>
      said(
        port,
        request("/a?b=c", "x-one: 1", "user-agent: me", `x-tag: ${Buffer.from("héé").toString("latin1")}`),
        ANSWERED,
      ),
    );
    expect(entry).toMatchObject({
      commonProperties: {
        customTags: { literal: "constant", place: "north", fallback: "none", header: "1", missing: "nothing" },
      },
    });
    expect(entry?.["commonProperties"]).toHaveProperty("metadata");
    expect(entry?.["commonProperties"]).toHaveProperty("filterStateObjects");
  }, 60_000);

  test("trailers of the answer", async () => {
    const [entry] = await both(0, (port) => said(port, request("/trailers"), ANSWERED));
    expect(entry).toMatchObject({ response: { responseTrailers: { "x-last": "z" } } });
  }, 60_000);

  test("answers that the proxy gives itself", async () => {
    await both(0, (port) => said(port, request("/direct", "x-request-id: me"), ANSWERED));
    await both(0, (port) => said(port, request("/dead"), ANSWERED));
    await both(0, (port) => said(port, request("/nowhere"), ANSWERED));
    await both(0, (port) => said(port, request("/refused"), ANSWERED));
  }, 60_000);

  test("a request over mutual TLS", async () => {
    const [entry] = await both(1, (port) => secured(port, request("/a")));
    expect(entry).toMatchObject({
      commonProperties: { tlsProperties: { tlsSniHostname: "log.test", tlsVersion: "TLSv1_3" } },
    });
  }, 60_000);

  test("TCP connections, served and not", async () => {
    await both(2, (port) => said(port, request("/a"), ANSWERED));
    await both(3, (port) => talk({ port, send: "" }));
  }, 60_000);
});

/** Times that only have to be there. */
const TIMES = /^(startTime|duration|timeTo\w+)$/;
/** Words of our own, ports, identifiers. */
function comparable(entry: Json): Json {
  const walk = (item: unknown, name: string): unknown => {
    if (TIMES.test(name)) return "a time";
    // Of a server that can't be reached Envoy says why here, too.
    if (name === "responseCodeDetails")
      return String(item).replace(/\|delayed_connect_error:_Connection_refused\}$/, "}");
    if (name === "portValue") return Number(item) > 0 ? "a port" : item;
    if (Array.isArray(item)) return item.map((one) => walk(one, name));
    if (typeof item !== "object" || item === null)
      return /^(requestId|streamId|tlsSessionId)$/.test(name) && item !== "me" ? "an id" : item;
    // Envoy's codec writes the length of an empty answer, ours is told it.
    if (name === "response" && !("responseBodyBytes" in item) && "responseHeadersBytes" in item)
      delete item.responseHeadersBytes;
    return Object.fromEntries(Object.entries(item).map(([inner, one]) => [inner, walk(one, inner)]));
  };
  return walk(entry, "") as Json;
}
