import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { createMetricsRegistry } from "@heddle/std";
import { AccessLogType } from "@heddle/xds-api/envoy/data/accesslog/v3/accesslog";
import { StreamAccessLogsMessageSchema } from "@heddle/xds-api/envoy/service/accesslog/v3/als";
import { createTapFeed } from "../telemetry/tap-feed.ts";
import { encodePeerMetadata, workloadOfMetadata } from "../telemetry/workload.ts";
import { accessLogService } from "./access-log-service.ts";
import { createEnvoyMetrics } from "./envoy-metrics.ts";
import { serveOnSocket } from "./envoy-socket.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-reports-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const WEB = "spiffe://cluster.local/ns/emojivoto/sa/web";
const BOT = "spiffe://cluster.local/ns/emojivoto/sa/default";
const SERVICES = '[{"host":"emoji-svc.emojivoto.svc.cluster.local","name":"emoji-svc","namespace":"emojivoto"}]';

type Message = MessageInitShape<typeof StreamAccessLogsMessageSchema>;

/** Sends messages as Envoy does, on one stream, and gives what was counted. */
async function counted(messages: readonly Message[]): Promise<string> {
  const registry = createMetricsRegistry();
  const metrics = createEnvoyMetrics({
    registry,
    self: workloadOfMetadata({ WORKLOAD_NAME: "web", NAMESPACE: "emojivoto", LABELS: { app: "web-svc" } }),
    node: { id: "sidecar~2", cluster: "web.emojivoto", metadata: { MESH_ID: "m" } },
    localUri: () => WEB,
  });
  const path = join(folder, `socket-${messages.length}`);
  const server = await serveOnSocket(path, [accessLogService(metrics, createTapFeed())]);
  const client = new Client(`unix:${path}`, credentials.createInsecure());
  await new Promise<void>((resolve, reject) => {
    const stream = client.makeClientStreamRequest(
      "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs",
      (m: Message) => Buffer.from(toBinary(StreamAccessLogsMessageSchema, create(StreamAccessLogsMessageSchema, m))),
      (bytes: Buffer) => bytes,
      (error) => (error ? reject(error) : resolve()),
    );
    for (const message of messages) stream.write(message);
    stream.end();
  });
  client.close();
  server.close();
  return registry.expose();
}

const line = (text: string, name: string, ...labels: readonly string[]) =>
  text.split("\n").find((l) => l.startsWith(`${name}{`) && labels.every((label) => l.includes(label)));

test("requests are counted under Istio's labels: the caller as it introduced itself, the callee as its endpoint says", async () => {
  const peer = encodePeerMetadata({ WORKLOAD_NAME: "vote-bot", NAMESPACE: "emojivoto", LABELS: { app: "vote-bot" } });
  const entry = (customTags: Record<string, string>, responseCode: number) => ({
    commonProperties: { customTags, duration: { seconds: 0n, nanos: 7_000_000 } },
    request: { authority: "web-svc", requestBodyBytes: 5n },
    response: { responseCode, responseBodyBytes: 9n },
  });
  const inbound = { principal: BOT, local_principal: WEB, peer_id: "sidecar~1", peer, cluster: "inbound|8080||" };
  const outbound = {
    services: SERVICES,
    workload: "emoji;emojivoto;emoji-svc;v11;Kubernetes",
    upstream_principal: "spiffe://cluster.local/ns/emojivoto/sa/emoji",
    upstream_tls: "TLSv1.3",
    flags: "UF,URX",
    content_type: "application/grpc",
    grpc_status: "14",
    grpc_messages: "3,2",
  };
  const text = await counted([
    {
      identifier: { logName: "heddle-metrics-inbound" },
      logEntries: { case: "httpLogs", value: { logEntry: [entry(inbound, 200), entry(inbound, 200)] } },
    },
    {
      identifier: { logName: "heddle-metrics-outbound" },
      logEntries: { case: "httpLogs", value: { logEntry: [entry(outbound, 503)] } },
    },
    // Somebody else's log is not ours to count.
    {
      identifier: { logName: "other" },
      logEntries: { case: "httpLogs", value: { logEntry: [entry(outbound, 200)] } },
    },
  ]);
  const served = line(text, "istio_requests_total", 'reporter="destination"') ?? "";
  expect(served).toEndWith(" 2");
  for (const label of [
    'source_workload="vote-bot"',
    `source_principal="${BOT}"`,
    'connection_security_policy="mutual_tls"',
  ])
    expect(served).toContain(label);
  const called = line(text, "istio_requests_total", 'reporter="source"') ?? "";
  expect(called).toEndWith(" 1");
  for (const label of [
    'destination_workload="emoji"',
    'destination_service_name="emoji-svc"',
    'destination_principal="spiffe://cluster.local/ns/emojivoto/sa/emoji"',
    'grpc_response_status="14"',
    'response_flags="UF,URX"',
  ])
    expect(called).toContain(label);
  expect(line(text, "istio_request_duration_milliseconds_sum", 'reporter="destination"')).toEndWith(" 14");
  expect(line(text, "istio_request_messages_total", 'reporter="source"')).toEndWith(" 3");
  expect(line(text, "istio_response_messages_total", 'reporter="source"')).toEndWith(" 2");
  expect(text).not.toMatch(/istio_re\w+_messages_total\{reporter="destination"/);
});

test("what a Telemetry says reaches the agent with the log's name", async () => {
  const settings = {
    metrics: [
      {
        name: "requests_total",
        dimensions: {
          host: "request.host",
          class: "response.code >= 500 ? 'bad' : 'good'",
          user: "request.headers['X-User']",
          caller: "filter_state.downstream_peer.app",
          zone: "downstream_peer.labels['zone'].value",
          mesh: "node.metadata['MESH_ID']",
          port: "string(destination.port)",
          response_code: "'any'",
        },
        tags_to_remove: ["response_flags", "grpc_response_status"],
      },
      { name: "request_bytes", drop: true },
    ],
  };
  const peer = encodePeerMetadata({ WORKLOAD_NAME: "bot", NAMESPACE: "a", LABELS: { app: "bot", zone: "z1" } });
  const text = await counted([
    {
      identifier: { logName: `heddle-metrics-inbound ${JSON.stringify(settings)}` },
      logEntries: {
        case: "httpLogs",
        value: {
          logEntry: [
            {
              commonProperties: {
                customTags: { principal: BOT, peer_id: "sidecar~1", peer },
                downstreamLocalAddress: {
                  address: {
                    case: "socketAddress",
                    value: { address: "10.0.0.1", portSpecifier: { case: "portValue", value: 8080 } },
                  },
                },
              },
              request: { authority: "web-svc", requestHeaders: { "x-user": "ann" } },
              response: { responseCode: 503 },
            },
          ],
        },
      },
    },
  ]);
  const found = line(text, "istio_requests_total") ?? "";
  for (const label of [
    'host="web-svc"',
    'class="bad"',
    'user="ann"',
    'caller="bot"',
    'zone="z1"',
    'mesh="m"',
    'port="8080"',
    'response_code="any"',
  ])
    expect(found).toContain(label);
  expect(found).not.toContain("response_flags");
  expect(text).not.toContain("istio_request_bytes");
  // Metrics that no rule names stay as they are.
  expect(line(text, "istio_response_bytes_count")).toContain('response_flags="-"');
});

test("a connection counts once, its bytes as they come, and ends", async () => {
  const entry = (accessLogType: AccessLogType, sentBytes: bigint) => ({
    commonProperties: { accessLogType, startTime: { seconds: 9n }, customTags: { cluster: "PassthroughCluster" } },
    connectionProperties: { receivedBytes: 0n, sentBytes },
  });
  const tcp = (logEntry: ReturnType<typeof entry>[]): Message => ({
    identifier: { logName: "heddle-metrics-outbound" },
    logEntries: { case: "tcpLogs", value: { logEntry } },
  });
  const open = tcp([entry(AccessLogType.TcpUpstreamConnected, 0n), entry(AccessLogType.TcpPeriodic, 40n)]);
  expect(line(await counted([open]), "istio_tcp_sent_bytes_total")).toEndWith(" 40");
  const whole = await counted([open, tcp([entry(AccessLogType.TcpConnectionEnd, 100n)])]);
  expect(line(whole, "istio_tcp_connections_opened_total", 'destination_service_name="PassthroughCluster"')).toEndWith(
    " 1",
  );
  expect(line(whole, "istio_tcp_sent_bytes_total")).toEndWith(" 100");
  expect(line(whole, "istio_tcp_connections_closed_total")).toEndWith(" 1");
});
