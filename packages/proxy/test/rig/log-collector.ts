import { fromBinary } from "@bufbuild/protobuf";
import type { ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import { ExportLogsServiceRequestSchema } from "@heddle/xds-api/opentelemetry/proto/collector/logs/v1/logs_service";
import type { AnyValue, KeyValue } from "@heddle/xds-api/opentelemetry/proto/common/v1/common";
import { startGrpcServer } from "./grpc-server.ts";

/** A log record as the protocol brought it. */
export interface SeenRecord {
  readonly resource: Readonly<Record<string, unknown>>;
  readonly timeMs: number;
  readonly body: unknown;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Hexadecimal; "" for none. */
  readonly traceId: string;
}

export interface LogCollector {
  readonly port: number;
  readonly records: readonly SeenRecord[];
  /** While true, nothing is answered and nothing kept. */
  silent: boolean;
  close(): void;
}

function plain(value: AnyValue | undefined): unknown {
  const held = value?.value;
  if (held?.case === "arrayValue") return held.value.values.map(plain);
  if (held?.case === "kvlistValue") return object(held.value.values);
  return typeof held?.value === "bigint" ? Number(held.value) : held?.value;
}

function object(values: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(values.map(({ key, value }) => [key, plain(value)]));
}

/** Receives log records by OTLP over gRPC, read with OpenTelemetry's own messages. */
export async function startLogCollector(): Promise<LogCollector> {
  const records: SeenRecord[] = [];
  const self = { silent: false };
  /** Calls that came while it was silent. */
  const waiting: (() => void)[] = [];
  const server = await startGrpcServer({
    path: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    handle: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
      if (self.silent) {
        waiting.push(() => answer(null, Buffer.alloc(0)));
        return;
      }
      for (const { resource, scopeLogs } of fromBinary(ExportLogsServiceRequestSchema, call.request).resourceLogs)
        for (const { logRecords } of scopeLogs)
          for (const record of logRecords)
            records.push({
              resource: object(resource?.attributes ?? []),
              timeMs: Number(record.timeUnixNano / 1_000_000n),
              body: plain(record.body),
              attributes: object(record.attributes),
              traceId: Buffer.from(record.traceId).toString("hex"),
            });
      answer(null, Buffer.alloc(0));
    },
  });
  return {
    port: server.port,
    records,
    get silent() {
      return self.silent;
    },
    set silent(value) {
      self.silent = value;
      if (!value) for (const late of waiting.splice(0)) late();
    },
    close: () => server.close(),
  };
}
