import { expect, test } from "bun:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { createMetricsRegistry } from "@heddle/std";
import { damaged, seededRandom } from "@heddle/std/damage";
import {
  type StreamAccessLogsMessage,
  StreamAccessLogsMessageSchema,
} from "@heddle/xds-api/envoy/service/accesslog/v3/als";
import { createTapFeed } from "../telemetry/tap-feed.ts";
import { encodePeerMetadata, workloadOfMetadata } from "../telemetry/workload.ts";
import { createEnvoyMetrics } from "./envoy-metrics.ts";
import { readConnection, readRequest, splitLogName } from "./envoy-report.ts";
import { tapRequest } from "./envoy-tap.ts";
import { parseDownward } from "./node-identity.ts";

type Message = MessageInitShape<typeof StreamAccessLogsMessageSchema>;

const properties = {
  customTags: {
    peer: encodePeerMetadata({ WORKLOAD_NAME: "bot", NAMESPACE: "vote", LABELS: { app: "bot" } }),
    peer_id: "sidecar~1",
    principal: "spiffe://cluster.local/ns/vote/sa/bot",
    services: '[{"host":"web.vote.svc.cluster.local","name":"web","namespace":"vote"}]',
    workload: "web;vote;web;v1;Kubernetes",
    flags: "UF,URX",
    grpc_messages: "3,2",
  },
  duration: { seconds: 1n, nanos: 7_000_000 },
};
const messages: readonly Message[] = [
  {
    identifier: { logName: "heddle-metrics-inbound" },
    logEntries: {
      case: "httpLogs",
      value: {
        logEntry: [
          { commonProperties: properties, request: { authority: "web", path: "/" }, response: { responseCode: 200 } },
        ],
      },
    },
  },
  {
    identifier: { logName: "heddle-metrics-outbound" },
    logEntries: {
      case: "tcpLogs",
      value: { logEntry: [{ commonProperties: properties, connectionProperties: { receivedBytes: 5n } }] },
    },
  },
];

test("Envoy's reports, however damaged, end nothing: what can be decoded is counted", () => {
  const random = seededRandom(21);
  const metrics = createEnvoyMetrics({
    registry: createMetricsRegistry(),
    self: workloadOfMetadata({ WORKLOAD_NAME: "web", NAMESPACE: "vote" }),
    node: { id: "sidecar~2", cluster: "web.vote", metadata: {} },
    localUri: () => "spiffe://cluster.local/ns/vote/sa/web",
  });
  const tap = createTapFeed();
  let counted = 0;
  const take = ({ identifier, logEntries }: StreamAccessLogsMessage): void => {
    const families = metrics.familiesOf(splitLogName(identifier?.logName ?? "").settings);
    for (const direction of ["inbound", "outbound"] as const) {
      if (logEntries.case === "httpLogs") {
        for (const entry of logEntries.value.logEntry) {
          const request = readRequest(direction, entry);
          metrics.onRequest(request, families);
          tapRequest(tap, entry, request);
          counted++;
        }
      } else if (logEntries.case === "tcpLogs") {
        for (const entry of logEntries.value.logEntry) {
          metrics.onConnection(readConnection(direction, entry), families);
          counted++;
        }
      }
    }
  };
  const whole = messages.map((message) =>
    toBinary(StreamAccessLogsMessageSchema, create(StreamAccessLogsMessageSchema, message)),
  );
  for (let round = 0; round < 20_000; round++) {
    const bytes = damaged(whole[round % whole.length] ?? new Uint8Array(), random);
    let message: StreamAccessLogsMessage;
    try {
      message = fromBinary(StreamAccessLogsMessageSchema, bytes);
    } catch {
      continue;
    }
    take(message);
  }
  expect(counted).toBeGreaterThan(1000);
});

test("labels of the downward API come back as they were written, and damage never throws", () => {
  const random = seededRandom(22);
  const word = (letters: string) =>
    Array.from({ length: 1 + Math.floor(random() * 12) }, () => letters[Math.floor(random() * letters.length)]).join(
      "",
    );
  for (let round = 0; round < 1000; round++) {
    const labels = Object.fromEntries(
      Array.from({ length: Math.floor(random() * 6) }, () => [word("abc/.-_x1"), word('a"\\\n=é \t')]),
    );
    const text = Object.entries(labels)
      .map(([key, value]) => `${key}=${JSON.stringify(value)}\n`)
      .join("");
    expect(parseDownward(text)).toEqual(labels);
    parseDownward(damaged(Buffer.from(text), random).toString("utf8"));
  }
});
