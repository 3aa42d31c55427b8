import { afterAll, beforeAll, expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { createLogger, createSystemClock } from "@heddle/std";
import { ExportTraceServiceRequestSchema } from "@heddle/xds-api/opentelemetry/proto/collector/trace/v1/trace_service";
import { findTraces, operations, services } from "./jaeger-form.ts";
import { startTraceReceivers, type TracePorts, type TraceReceivers } from "./receivers.ts";
import { createTraceStore } from "./trace-store.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const NOW_MS = 1_800_000_000_000;
const store = createTraceStore();
let receivers: TraceReceivers;

beforeAll(async () => {
  const log = createLogger({ clock: createSystemClock(), sink: () => undefined, level: "error", scope: "test" });
  receivers = await startTraceReceivers(store, { otlpGrpc: 0, otlpHttp: 0, zipkin: 0 }, log, "127.0.0.1");
});
afterAll(() => receivers.close());

function otlp(service: string, spanId: string, parentId: string, name: string, kind: number): Buffer {
  const text = (key: string, value: string) => ({ key, value: { value: { case: "stringValue" as const, value } } });
  const message = create(ExportTraceServiceRequestSchema, {
    resourceSpans: [
      {
        resource: { attributes: [text("service.name", service)] },
        scopeSpans: [
          {
            spans: [
              {
                traceId: Buffer.from(TRACE, "hex"),
                spanId: Buffer.from(spanId, "hex"),
                parentSpanId: Buffer.from(parentId, "hex"),
                name,
                kind,
                startTimeUnixNano: BigInt(NOW_MS - 1000) * 1_000_000n,
                endTimeUnixNano: BigInt(NOW_MS - 995) * 1_000_000n,
                attributes: [text("http.status_code", "200"), text("hostile", "<script>")],
              },
            ],
          },
        ],
      },
    ],
  });
  return Buffer.from(toBinary(ExportTraceServiceRequestSchema, message));
}

test("where one port is taken, the others are given back", async () => {
  const log = createLogger({ clock: createSystemClock(), sink: () => undefined, level: "error", scope: "test" });
  // An address that nobody else takes ports of.
  const start = (ports: TracePorts) => startTraceReceivers(store, ports, log, "127.47.11.1");
  const any = { otlpGrpc: 0, otlpHttp: 0, zipkin: 0 };
  const holder = await start(any);
  const former = await start(any);
  await former.close();
  const { otlpHttp } = former.ports;
  for (const taken of ["zipkin", "otlpGrpc"] as const)
    await expect(start({ ...any, otlpHttp, [taken]: holder.ports[taken] })).rejects.toThrow();
  await (await start({ ...any, otlpHttp })).close();
  await holder.close();
});

test("an export that unpacks to more than one may have is refused", async () => {
  const send = (bytes: number) =>
    fetch(`http://127.0.0.1:${receivers.ports.zipkin}/api/v2/spans`, {
      method: "POST",
      headers: { "content-encoding": "gzip" },
      body: Bun.gzipSync(Buffer.from("[]".padEnd(bytes))),
    });
  expect((await send(1000)).status).toBe(202);
  const refused = await send(5 * 1024 * 1024);
  expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining("larger than 4194304 bytes")]);
});

test("spans of all three protocols meet in one trace, in Jaeger's form", async () => {
  const { ports } = receivers;
  const client = new Client(`127.0.0.1:${ports.otlpGrpc}`, credentials.createInsecure());
  await new Promise<void>((resolve, reject) =>
    client.makeUnaryRequest(
      "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      otlp("web.shop", "00000000000000a1", "", "web:80/*", 2),
      (error) => (error === null ? resolve() : reject(error)),
    ),
  );
  client.close();
  const post = (port: number, path: string, body: string | Buffer) =>
    fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", body });
  const second = otlp("web.shop", "00000000000000a2", "00000000000000a1", "egress emoji", 3);
  expect((await post(ports.otlpHttp, "/v1/traces", second)).status).toBe(200);
  const zipkin = {
    traceId: TRACE,
    id: "00000000000000a2",
    kind: "SERVER",
    shared: true,
    name: "emoji",
    timestamp: (NOW_MS - 999) * 1000,
    duration: 3000,
    localEndpoint: { serviceName: "emoji.shop" },
    tags: { error: "true" },
  };
  expect((await post(ports.zipkin, "/api/v2/spans", JSON.stringify([zipkin]))).status).toBe(202);

  const { data } = findTraces(store, new URLSearchParams("service=emoji.shop&lookback=1h"), NOW_MS);
  expect(data).toHaveLength(1);
  const spans = data[0]?.spans ?? [];
  const of = (name: string) => spans.find((span) => span.operationName === name);
  expect(spans).toHaveLength(3);
  expect(of("web:80/*")).toMatchObject({ duration: 5000, references: [] });
  expect(of("egress emoji")?.references).toMatchObject([{ spanID: "00000000000000a1" }]);
  expect(of("emoji")?.references).toMatchObject([{ spanID: "00000000000000a2" }]);
  expect(of("emoji")?.tags).toContainEqual({ key: "span.kind", type: "string", value: "server" });
  expect(Object.values(data[0]?.processes ?? {}).map(({ serviceName }) => serviceName)).toEqual([
    "web.shop",
    "emoji.shop",
  ]);
  expect(services(store).data).toEqual(["emoji.shop", "web.shop"]);
  expect(operations(store, "web.shop").data).toEqual(["egress emoji", "web:80/*"]);
  const found = (query: string) => findTraces(store, new URLSearchParams(query), NOW_MS).data.length;
  expect(found(`traceID=${TRACE}`)).toBe(1);
  expect(found('tags={"error":"true"}')).toBe(1);
  expect(found("minDuration=1s")).toBe(0);
  expect(() => found("lookback=long")).toThrow("lookback");
});

test("what is no span is refused with a sentence", async () => {
  const { ports } = receivers;
  const bad = await fetch(`http://127.0.0.1:${ports.zipkin}/api/v2/spans`, { method: "POST", body: '[{"id":"x"}]' });
  expect(bad.status).toBe(400);
  expect(await bad.text()).toContain("hexadecimal");
  const noise = await fetch(`http://127.0.0.1:${ports.otlpHttp}/v1/traces`, { method: "POST", body: "\xff\xff\xff" });
  expect(noise.status).toBe(400);
});

test("memory is bounded: the oldest traces go", () => {
  const small = createTraceStore();
  const span = { spanId: "1", parentId: "", name: "n", kind: "", service: "s", durationUs: 1 } as const;
  for (let i = 0; i < 3000; i++)
    small.add([{ ...span, traceId: i.toString(16).padStart(32, "0"), startUs: i, tags: [["k", "v".repeat(5000)]] }]);
  expect(small.find({ limit: 5000 })).toHaveLength(1000);
  expect(small.trace("1")).toBeUndefined();
  expect(small.trace("bb7")?.[0]?.tags[0]?.[1].length).toBeLessThan(1100);
  for (let i = 0; i < 2000; i++) small.add([{ ...span, traceId: "f".repeat(32), startUs: i, tags: [] }]);
  expect(small.trace("f".repeat(32))).toHaveLength(1000);
});
