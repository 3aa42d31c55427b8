import { type RetryPolicy, RetryPolicySchema } from "@heddle/xds-api/envoy/config/core/v3/base";
import {
  type CommonGrpcAccessLogConfig,
  CommonGrpcAccessLogConfigSchema,
} from "@heddle/xds-api/envoy/extensions/access_loggers/grpc/v3/als";
import { decodeCustomTags, type TagConfig } from "./custom-tags.ts";
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
  /** How often a service that can't be connected to is tried again. Default: 0. */
  readonly retries: number;
}

/** What entries for an access log service say beside what they always say. */
export interface GrpcLogExtras {
  readonly tags: readonly TagConfig[];
  /** Keys of filter state. */
  readonly state: readonly string[];
}

export const GRPC_LOG_SHAPE = shape(
  CommonGrpcAccessLogConfigSchema,
  [
    "log_name",
    "grpc_service",
    "buffer_flush_interval",
    "buffer_size_bytes",
    "grpc_stream_retry_policy",
    "filter_state_objects_to_log",
    "custom_tags",
  ],
  {},
  {},
  { only: { transport_api_version: VERSION_3 } },
);
export const STREAM_RETRY_SHAPE = shape(RetryPolicySchema, ["num_retries"], {
  "retry_back_off retry_on retry_priority retry_host_predicate host_selection_retry_max_attempts":
    "of a log's policy Envoy looks at num_retries only",
});

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
    retries: decodeRetries(message.grpcStreamRetryPolicy, at.field("grpc_stream_retry_policy")),
  };
}

export function grpcLogExtras(message: CommonGrpcAccessLogConfig | undefined, scope: DecodeScope): GrpcLogExtras {
  return {
    tags: decodeCustomTags(message?.customTags ?? [], scope.field("common_config.custom_tags")),
    state: message?.filterStateObjectsToLog ?? [],
  };
}

function decodeRetries(message: RetryPolicy | undefined, scope: DecodeScope): number {
  if (message === undefined) return 0;
  checkShape(STREAM_RETRY_SHAPE, message, scope);
  return message.numRetries ?? 1;
}
