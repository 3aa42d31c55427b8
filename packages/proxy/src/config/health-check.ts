import { RequestMethod } from "@heddle/xds-api/envoy/config/core/v3/base";
import {
  type HealthCheck,
  type HealthCheck_GrpcHealthCheck,
  type HealthCheck_HttpHealthCheck,
  HealthCheck_HttpHealthCheckSchema,
  type HealthCheck_Payload,
  type HealthCheck_TcpHealthCheck,
  HealthCheck_TcpHealthCheckSchema,
  HealthCheckSchema,
} from "@heddle/xds-api/envoy/config/core/v3/health_check";
import { decodeDuration } from "./duration-field.ts";
import { decodeAdditions, type HeaderAddition } from "./header-mutation.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";
import { decodeStringMatch, type StringMatch } from "./string-match.ts";

/** What a check sends and what counts as good. */
export type HealthProbe =
  | {
      readonly kind: "http";
      readonly method: string;
      readonly host: string;
      readonly path: string;
      readonly headers: readonly HeaderAddition[];
      /** `[start, end)`. */
      readonly expected: readonly (readonly [start: number, end: number])[];
      /** Bad, but only counted towards the threshold. */
      readonly retriable: readonly (readonly [start: number, end: number])[];
      readonly receive: readonly Uint8Array[];
      readonly http2: boolean;
      readonly serviceName: StringMatch | undefined;
      /** So much of an answer is compared. Default: 1024. Units: bytes. */
      readonly compareBytes: number;
      /** Names of headers that are not sent, of those that every check has. */
      readonly removed: readonly string[];
    }
  | {
      readonly kind: "grpc";
      readonly service: string;
      readonly authority: string;
      readonly headers: readonly HeaderAddition[];
    }
  | { readonly kind: "tcp"; readonly send: Uint8Array | undefined; readonly receive: readonly Uint8Array[] };

/** Durations in ms. */
export interface HealthCheckConfig {
  readonly probe: HealthProbe;
  readonly timeoutMs: number;
  readonly intervalMs: number;
  readonly initialJitterMs: number;
  readonly jitterMs: number;
  readonly jitterPercent: number;
  readonly unhealthyThreshold: number;
  readonly healthyThreshold: number;
  readonly altPort: number | undefined;
  readonly noTrafficMs: number;
  readonly noTrafficHealthyMs: number;
  readonly unhealthyIntervalMs: number;
  readonly unhealthyEdgeMs: number;
  readonly healthyEdgeMs: number;
  readonly logFailures: boolean;
}

export const HEALTH_CHECK_SHAPE = shape(
  HealthCheckSchema,
  [
    "timeout",
    "interval",
    "initial_jitter",
    "interval_jitter",
    "interval_jitter_percent",
    "unhealthy_threshold",
    "healthy_threshold",
    "alt_port",
    "http_health_check",
    "tcp_health_check",
    "grpc_health_check",
    "no_traffic_interval",
    "no_traffic_healthy_interval",
    "unhealthy_interval",
    "unhealthy_edge_interval",
    "healthy_edge_interval",
    "always_log_health_check_failures",
  ],
  {},
  {
    "event_log_path event_logger event_service": "events go to the proxy's log",
    custom_health_check: "only HTTP, gRPC and TCP checks are implemented",
    "tls_options transport_socket_match_criteria": "checks use the transport of the endpoint's traffic",
  },
  {
    only: {
      always_log_health_check_success: { values: ["false"], reason: "what changed and what failed goes to the log" },
    },
    differs: { reuse_connection: "every check opens a connection, which sees a server that takes no new ones" },
  },
);
export const HTTP_HEALTH_SHAPE = shape(
  HealthCheck_HttpHealthCheckSchema,
  [
    "host",
    "path",
    "receive",
    "request_headers_to_add",
    "expected_statuses",
    "retriable_statuses",
    "codec_client_type",
    "service_name_matcher",
    "method",
    "response_buffer_size",
    "request_headers_to_remove",
  ],
  {},
  { send: "HTTP checks have no body" },
);
export const TCP_HEALTH_SHAPE = shape(
  HealthCheck_TcpHealthCheckSchema,
  ["send", "receive"],
  {},
  { proxy_protocol_config: "checks send no PROXY header" },
);

export function decodeHealthChecks(messages: readonly HealthCheck[], scope: DecodeScope): readonly HealthCheckConfig[] {
  const checks: HealthCheckConfig[] = [];
  messages.forEach((message, i) => {
    const check = decodeHealthCheck(message, scope.item(i));
    if (check !== undefined) checks.push(check);
  });
  return checks;
}

function decodeHealthCheck(message: HealthCheck, scope: DecodeScope): HealthCheckConfig | undefined {
  checkShape(HEALTH_CHECK_SHAPE, message, scope);
  const ms = (name: string, value: Parameters<typeof decodeDuration>[0], absent: number) =>
    decodeDuration(value, scope.field(name)) ?? absent;
  const probe = decodeProbe(message, scope);
  if (probe === undefined) return undefined;
  const intervalMs = ms("interval", message.interval, 0);
  const timeoutMs = ms("timeout", message.timeout, 0);
  if (intervalMs <= 0) scope.field("interval").problem("a health check needs an interval above zero");
  if (timeoutMs <= 0) scope.field("timeout").problem("a health check needs a timeout above zero");
  const unhealthyIntervalMs = ms("unhealthy_interval", message.unhealthyInterval, intervalMs);
  const noTrafficMs = ms("no_traffic_interval", message.noTrafficInterval, 60_000);
  return {
    probe,
    timeoutMs,
    intervalMs,
    initialJitterMs: ms("initial_jitter", message.initialJitter, 0),
    jitterMs: ms("interval_jitter", message.intervalJitter, 0),
    jitterPercent: message.intervalJitterPercent,
    unhealthyThreshold: Math.max(1, message.unhealthyThreshold ?? 1),
    healthyThreshold: Math.max(1, message.healthyThreshold ?? 1),
    altPort: message.altPort,
    noTrafficMs,
    noTrafficHealthyMs: ms("no_traffic_healthy_interval", message.noTrafficHealthyInterval, noTrafficMs),
    unhealthyIntervalMs,
    unhealthyEdgeMs: ms("unhealthy_edge_interval", message.unhealthyEdgeInterval, unhealthyIntervalMs),
    healthyEdgeMs: ms("healthy_edge_interval", message.healthyEdgeInterval, intervalMs),
    logFailures: message.alwaysLogHealthCheckFailures,
  };
}

function decodeProbe(message: HealthCheck, scope: DecodeScope): HealthProbe | undefined {
  const checker = message.healthChecker;
  switch (checker.case) {
    case "httpHealthCheck":
      return decodeHttp(checker.value, scope.field("http_health_check"));
    case "grpcHealthCheck":
      return decodeGrpc(checker.value, scope.field("grpc_health_check"));
    case "tcpHealthCheck":
      return decodeTcp(checker.value, scope.field("tcp_health_check"));
    case undefined:
      scope.problem("a health check needs one of http_health_check, grpc_health_check, tcp_health_check");
      return undefined;
    default:
      return undefined;
  }
}

function decodeHttp(message: HealthCheck_HttpHealthCheck, scope: DecodeScope): HealthProbe {
  checkShape(HTTP_HEALTH_SHAPE, message, scope);
  const ranges = (list: readonly { readonly start: bigint; readonly end: bigint }[]) =>
    list.map((r): readonly [number, number] => [Number(r.start), Number(r.end)]);
  const name = message.serviceNameMatcher;
  return {
    kind: "http",
    method: RequestMethod[message.method] === "METHOD_UNSPECIFIED" ? "GET" : (RequestMethod[message.method] ?? "GET"),
    host: message.host,
    path: message.path,
    headers: decodeAdditions(message.requestHeadersToAdd, scope.field("request_headers_to_add")),
    expected: message.expectedStatuses.length === 0 ? [[200, 201]] : ranges(message.expectedStatuses),
    retriable: ranges(message.retriableStatuses),
    receive: payloads(message.receive, scope.field("receive")),
    http2: message.codecClientType === 1,
    serviceName: name === undefined ? undefined : decodeStringMatch(name, scope.field("service_name_matcher")),
    compareBytes: Number(message.responseBufferSize ?? 1024n) || Number.POSITIVE_INFINITY,
    removed: message.requestHeadersToRemove.map((header) => header.toLowerCase()),
  };
}

function decodeGrpc(message: HealthCheck_GrpcHealthCheck, scope: DecodeScope): HealthProbe {
  return {
    kind: "grpc",
    service: message.serviceName,
    authority: message.authority,
    headers: decodeAdditions(message.initialMetadata, scope.field("initial_metadata")),
  };
}

function decodeTcp(message: HealthCheck_TcpHealthCheck, scope: DecodeScope): HealthProbe {
  checkShape(TCP_HEALTH_SHAPE, message, scope);
  return {
    kind: "tcp",
    send: message.send === undefined ? undefined : payloads([message.send], scope.field("send"))[0],
    receive: payloads(message.receive, scope.field("receive")),
  };
}

/** Text is hexadecimal. Source: Envoy `HealthCheck.Payload`. */
function payloads(list: readonly HealthCheck_Payload[], scope: DecodeScope): readonly Uint8Array[] {
  return list.map((item, i) => {
    const payload = item.payload;
    if (payload.case === "binary") return payload.value;
    const text = payload.value ?? "";
    if (!/^([0-9a-fA-F]{2})+$/.test(text)) scope.item(i).field("text").problem(`"${text}" is not hexadecimal`);
    return Buffer.from(text, "hex");
  });
}
