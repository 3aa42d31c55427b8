import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { ServerReadableStream, ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import {
  type StreamMetricsMessage,
  StreamMetricsMessageSchema,
  StreamMetricsResponseSchema,
} from "@heddle/xds-api/envoy/service/metrics/v3/metrics_service";
import {
  type ExportMetricsServiceRequest,
  ExportMetricsServiceRequestSchema,
} from "@heddle/xds-api/opentelemetry/proto/collector/metrics/v1/metrics_service";
import { startGrpcServer } from "./grpc-server.ts";

/** A collector of OpenTelemetry and a metrics service behind one port; both keep what they get. */
export interface StatsServices {
  readonly port: number;
  readonly exports: readonly ExportMetricsServiceRequest[];
  /** The messages of each stream. */
  readonly streams: readonly (readonly StreamMetricsMessage[])[];
  /** What calls said in `x-mesh`, each once. */
  readonly meshes: ReadonlySet<string>;
  /** Ends the streams that are open. */
  endStreams(): void;
  close(): void;
}

export async function startStatsServices(): Promise<StatsServices> {
  const exports: ExportMetricsServiceRequest[] = [];
  const streams: StreamMetricsMessage[][] = [];
  const meshes = new Set<string>();
  const open = new Set<() => void>();
  const server = await startGrpcServer(
    {
      path: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
      handle: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
        for (const mesh of call.metadata.get("x-mesh")) meshes.add(mesh.toString());
        exports.push(fromBinary(ExportMetricsServiceRequestSchema, call.request));
        answer(null, Buffer.alloc(0));
      },
    },
    {
      path: "/envoy.service.metrics.v3.MetricsService/StreamMetrics",
      requestStream: true,
      handle: (call: ServerReadableStream<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
        for (const mesh of call.metadata.get("x-mesh")) meshes.add(mesh.toString());
        const messages: StreamMetricsMessage[] = [];
        streams.push(messages);
        const end = () => {
          if (open.delete(end))
            answer(null, Buffer.from(toBinary(StreamMetricsResponseSchema, create(StreamMetricsResponseSchema))));
        };
        open.add(end);
        call.on("data", (bytes: Buffer) => void messages.push(fromBinary(StreamMetricsMessageSchema, bytes)));
        call.on("end", end);
        call.on("error", () => open.delete(end));
      },
    },
  );
  return {
    ...server,
    exports,
    streams,
    meshes,
    endStreams: () => {
      for (const end of [...open]) end();
    },
  };
}
