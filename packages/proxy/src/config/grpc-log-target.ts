import {
  type CommonGrpcAccessLogConfig,
  CommonGrpcAccessLogConfigSchema,
} from "@heddle/xds-api/envoy/extensions/access_loggers/grpc/v3/als";
import { decodeDuration } from "./duration-field.ts";
import { decodeGrpcService, type GrpcServer } from "./grpc-service.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape, VERSION_3 } from "./shape.ts";

/** Where entries of an access log go by gRPC, and when. */
export interface GrpcLogTarget {
  readonly server: GrpcServer;
  readonly logName: string;
  /** Units: ms. Default: 1 s. */
  readonly flushMs: number;
  /** Entries are sent when this much waits. Units: bytes. Default: 16 KiB. */
  readonly bufferBytes: number;
}

export const GRPC_LOG_SHAPE = shape(
  CommonGrpcAccessLogConfigSchema,
  ["log_name", "grpc_service", "buffer_flush_interval", "buffer_size_bytes"],
  {},
  {
    grpc_stream_retry_policy: "entries that can't be sent are dropped and counted",
    filter_state_objects_to_log: "filter state is not kept",
    custom_tags: "put what you need into headers to log",
  },
  { only: { transport_api_version: VERSION_3 } },
);

export function grpcLogTarget(
  message: CommonGrpcAccessLogConfig | undefined,
  scope: DecodeScope,
): GrpcLogTarget | undefined {
  const at = scope.field("common_config");
  if (message !== undefined) checkShape(GRPC_LOG_SHAPE, message, at);
  const server = decodeGrpcService(message?.grpcService, at.field("grpc_service"));
  if (message === undefined || server === undefined) return undefined;
  if (message.logName === "") at.field("log_name").problem("an access log service needs a log_name");
  return {
    server,
    logName: message.logName,
    flushMs: decodeDuration(message.bufferFlushInterval, at.field("buffer_flush_interval")) ?? 1000,
    bufferBytes: message.bufferSizeBytes ?? 16_384,
  };
}
