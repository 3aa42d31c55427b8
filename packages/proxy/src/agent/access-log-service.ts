import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { ServerReadableStream, ServiceDefinition } from "@grpc/grpc-js";
import {
  type StreamAccessLogsMessage,
  StreamAccessLogsMessageSchema,
  type StreamAccessLogsResponse,
  StreamAccessLogsResponseSchema,
} from "@heddle/xds-api/envoy/service/accesslog/v3/als";
import type { IstioFamilies } from "../telemetry/istio-families.ts";
import type { TapSource } from "../telemetry/tap-feed.ts";
import type { EnvoyMetrics } from "./envoy-metrics.ts";
import { type Direction, directionOf, readConnection, readRequest, splitLogName } from "./envoy-report.ts";
import type { SocketService } from "./envoy-socket.ts";
import { tapRequest } from "./envoy-tap.ts";

type Stream = ServerReadableStream<StreamAccessLogsMessage, StreamAccessLogsResponse>;

const definition: ServiceDefinition = {
  StreamAccessLogs: {
    path: "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs",
    requestStream: true,
    responseStream: false,
    requestSerialize: (m: StreamAccessLogsMessage) => Buffer.from(toBinary(StreamAccessLogsMessageSchema, m)),
    requestDeserialize: (b: Buffer) => fromBinary(StreamAccessLogsMessageSchema, b),
    responseSerialize: (m: StreamAccessLogsResponse) => Buffer.from(toBinary(StreamAccessLogsResponseSchema, m)),
    responseDeserialize: (b: Buffer) => fromBinary(StreamAccessLogsResponseSchema, b),
  },
};

/** Takes Envoy's reports of requests and connections; the log's name, in a stream's first message, tells the direction. */
export function accessLogService(metrics: EnvoyMetrics, tap: TapSource): SocketService {
  const StreamAccessLogs = (
    stream: Stream,
    answer: (error: null, response: ReturnType<typeof emptyAnswer>) => void,
  ): void => {
    let direction: Direction | undefined;
    let families: IstioFamilies | undefined;
    stream.on("data", (message: StreamAccessLogsMessage) => {
      if (message.identifier !== undefined) {
        const name = splitLogName(message.identifier.logName);
        direction = directionOf(name.log);
        families = metrics.familiesOf(name.settings);
      }
      if (direction === undefined || families === undefined) return;
      const { logEntries } = message;
      if (logEntries.case === "httpLogs") {
        for (const entry of logEntries.value.logEntry) {
          const request = readRequest(direction, entry);
          metrics.onRequest(request, families);
          tapRequest(tap, entry, request);
        }
      } else if (logEntries.case === "tcpLogs") {
        for (const entry of logEntries.value.logEntry) metrics.onConnection(readConnection(direction, entry), families);
      }
    });
    stream.on("end", () => answer(null, emptyAnswer()));
    stream.on("error", () => undefined);
  };
  return { definition, handlers: { StreamAccessLogs } };
}

function emptyAnswer(): StreamAccessLogsResponse {
  return create(StreamAccessLogsResponseSchema);
}
