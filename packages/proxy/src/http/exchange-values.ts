import type { JsonValue } from "@bufbuild/protobuf";
import { GRPC_CODE_NAMES, type HeaderList, headerEntries } from "@heddle/wire";
import type { FormatCommand, FormatValues } from "../config/format.ts";
import { formatTime } from "../config/time-format.ts";
import { metadataValue } from "../config/value-match.ts";
import { flagNames } from "../rescue.ts";
import { queryValue } from "../router/route-matcher.ts";
import { certificateValue } from "./certificate-values.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import { headerCommand } from "./header-values.ts";

/** Values of Envoy's command operators for an exchange. Source: Envoy access log command operators. */
export function exchangeValues(record: ExchangeRecord): FormatValues {
  return { command: (command) => value(record, command) };
}

function value(record: ExchangeRecord, command: FormatCommand): string | undefined {
  const { connection, request } = record;
  switch (command.name) {
    case "REQ":
    case "REQUEST_HEADER":
      return requestHeader(record, command);
    case "RESP":
    case "RESPONSE_HEADER":
      return headerCommand(command, undefined, record.response?.headers);
    case "PROTOCOL":
      return versionName(request.version);
    case "UPSTREAM_PROTOCOL":
      return record.upstreamLocal === "" || record.response === undefined
        ? undefined
        : versionName(record.response.version);
    case "RESPONSE_CODE":
      return String(record.status);
    case "BYTES_RECEIVED":
      return String(record.bytesReceived);
    case "BYTES_SENT":
      return String(record.bytesSent);
    case "REQUEST_HEADERS_BYTES":
      return String(
        headerBytes(request.headers) +
          HEAD_NAMES +
          request.method.length +
          request.path.length +
          request.authority.length +
          request.scheme.length,
      );
    case "RESPONSE_HEADERS_BYTES":
      return record.response === undefined ? "0" : String(headerBytes(record.response.headers) + STATUS_BYTES);
    case "DURATION":
      return elapsed(record.startMs, record.endMs);
    case "REQUEST_DURATION":
      return elapsed(record.startMs, record.requestEndMs);
    case "RESPONSE_DURATION":
      return elapsed(record.startMs, record.firstByteMs);
    case "RESPONSE_TX_DURATION":
      return elapsed(record.firstByteMs, record.endMs);
    case "COMMON_DURATION":
      return commonDuration(record, command.argument ?? "");
    case "UPSTREAM_REQUEST_ATTEMPT_COUNT":
      return String(record.attempts);
    case "ROUTE_NAME":
      return dash(record.route?.route.name ?? "");
    case "GRPC_STATUS":
      return grpcStatus(record.grpcStatus, command.argument);
    case "GRPC_STATUS_NUMBER":
      return record.grpcStatus < 0 ? undefined : String(record.grpcStatus);
    case "STREAM_ID":
      return request.headers.get("x-request-id");
    case "TRACE_ID":
      return request.headers.get("traceparent")?.split("-")[1] ?? request.headers.get("x-b3-traceid");
    case "PATH":
      return pathOf(record, command.argument ?? "");
    case "QUERY_PARAM":
      return queryValue(record.originalPath, command.argument ?? "");
    case "QUERY_PARAMS": {
      const mark = record.originalPath.indexOf("?");
      return mark < 0 ? undefined : record.originalPath.slice(mark + 1);
    }
    case "DYNAMIC_METADATA":
      return metadataText(command.argument ?? "", (name) => record.metadata?.get(name));
    case "METADATA":
      return metadataCommand(record, command.argument ?? "");
    case "UPSTREAM_METADATA":
      return metadataText(command.argument ?? "", (name) => hostMetadata(record, name));
    case "ACCESS_LOG_TYPE":
      return "DownstreamEnd";
    default:
      return upstreamValue(record, command) ?? connectionValue(connection, command);
  }
}

/** What HTTP and TCP records have in common of their upstream side. */
export interface UpstreamFacts {
  readonly startTime: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly flags: string;
  readonly details: string;
  readonly transportFailure: string;
  readonly host: ExchangeRecord["host"];
  readonly clusterName: string;
  readonly upstreamLocal: string;
  readonly upstreamPrincipal: string;
}

/** Values of the upstream side and of times. */
export function upstreamValue(record: UpstreamFacts, command: FormatCommand): string | undefined {
  switch (command.name) {
    case "START_TIME":
      return formatTime(record.startTime, command.argument);
    case "START_TIME_LOCAL":
      return formatTime(record.startTime, command.argument, true);
    case "EMIT_TIME":
      return formatTime(emitTime(record), command.argument);
    case "EMIT_TIME_LOCAL":
      return formatTime(emitTime(record), command.argument, true);
    case "RESPONSE_FLAGS":
      return record.flags;
    case "RESPONSE_FLAGS_LONG":
      return flagNames(record.flags);
    case "RESPONSE_CODE_DETAILS":
      return dash(record.details.replaceAll(" ", "_"));
    case "UPSTREAM_TRANSPORT_FAILURE_REASON":
      return dash(record.transportFailure);
    case "UPSTREAM_HOST":
      return record.host?.text;
    case "UPSTREAM_REMOTE_ADDRESS":
      return connected(record)?.text;
    case "UPSTREAM_HOST_NAME":
      return record.host === undefined ? undefined : record.host.hostname || record.host.text;
    case "UPSTREAM_HOST_NAME_WITHOUT_PORT":
      return record.host === undefined ? undefined : record.host.hostname || record.host.address.ip;
    case "UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT":
      return connected(record)?.address.ip;
    case "UPSTREAM_REMOTE_PORT":
      return connected(record)?.address.port.toString();
    case "UPSTREAM_CLUSTER":
    case "UPSTREAM_CLUSTER_RAW":
      return dash(record.clusterName);
    case "UPSTREAM_LOCAL_ADDRESS":
      return dash(record.upstreamLocal);
    case "UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT":
      return dash(record.upstreamLocal.slice(0, record.upstreamLocal.lastIndexOf(":")));
    case "UPSTREAM_LOCAL_PORT":
      return dash(record.upstreamLocal.slice(record.upstreamLocal.lastIndexOf(":") + 1));
    case "UPSTREAM_PEER_URI_SAN":
      return dash(record.upstreamPrincipal);
    default:
      return undefined;
  }
}

/** Values that TCP connections have too. */
export function connectionValue(connection: ExchangeRecord["connection"], command: FormatCommand): string | undefined {
  const { name } = command;
  switch (name) {
    case "DOWNSTREAM_LOCAL_ADDRESS":
    case "DOWNSTREAM_DIRECT_LOCAL_ADDRESS":
      return connection.localText;
    case "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT":
    case "DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT":
      return connection.local.ip;
    case "DOWNSTREAM_LOCAL_PORT":
    case "DOWNSTREAM_DIRECT_LOCAL_PORT":
      return String(connection.local.port);
    case "DOWNSTREAM_REMOTE_ADDRESS":
    case "DOWNSTREAM_DIRECT_REMOTE_ADDRESS":
      return connection.remoteText;
    case "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT":
    case "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT":
      return connection.remote.ip;
    case "DOWNSTREAM_REMOTE_PORT":
    case "DOWNSTREAM_DIRECT_REMOTE_PORT":
      return String(connection.remote.port);
    case "DOWNSTREAM_LOCAL_URI_SAN":
      return dash(connection.localUri);
    case "DOWNSTREAM_TLS_VERSION":
      return connection.tls?.version;
    case "REQUESTED_SERVER_NAME":
      return dash(connection.sni);
    case "CONNECTION_ID":
      return String(connection.id);
    case "FILTER_CHAIN_NAME":
      return dash(connection.chainName);
    default:
      return name.startsWith(PEER)
        ? certificateValue(connection.tls?.peer, name.slice(PEER.length), command.argument)
        : undefined;
  }
}

const PEER = "DOWNSTREAM_PEER_";
/** `:method`, `:path`, `:authority`, `:scheme`. */
const HEAD_NAMES = 7 + 5 + 10 + 7;
const STATUS_BYTES = ":status".length + 3;

function headerBytes(headers: HeaderList): number {
  return headerEntries(headers).reduce((sum, [name, text]) => sum + name.length + text.length, 0);
}

/** The host, once there was a connection to it. */
function connected(record: UpstreamFacts): UpstreamFacts["host"] {
  return record.upstreamLocal === "" ? undefined : record.host;
}

function emitTime(record: UpstreamFacts): number {
  return record.startTime + Math.max(0, record.endMs - record.startMs);
}

/** `:path` in a log is what the client sent, not what the route made of it. */
function requestHeader(record: ExchangeRecord, command: FormatCommand): string | undefined {
  if (command.headers[0] === "x-envoy-original-path" && command.headers[1] === ":path") return record.originalPath;
  return headerCommand(command, record.request, record.request.headers);
}

/** `PATH(X:Y)`: X with (WQ) or without (NQ) query, Y which path. */
function pathOf(record: ExchangeRecord, argument: string): string | undefined {
  const [query = "WQ", which = "ORIG_OR_PATH"] = argument.split(":");
  const original = record.request.headers.get("x-envoy-original-path");
  const path = which === "PATH" ? record.request.path : (original ?? (which === "ORIG" ? "" : record.request.path));
  return dash(query === "NQ" ? (path.split("?")[0] ?? "") : path);
}

/** `START:END:PRECISION` between named points of the exchange; those that are not recorded are unknown. */
function commonDuration(record: ExchangeRecord, argument: string): string | undefined {
  const [from = "", to = "", precision = "ms"] = argument.split(":");
  const at = (point: string): number => {
    switch (point) {
      case "DS_RX_BEG":
        return record.startMs;
      case "DS_RX_END":
        return record.requestEndMs;
      case "US_RX_BEG":
      case "DS_TX_BEG":
        return record.firstByteMs;
      case "DS_TX_END":
        return record.endMs;
      default:
        return -1;
    }
  };
  const [begin, end] = [at(from), at(to)];
  if (begin < 0 || end < begin) return undefined;
  return String(Math.trunc((end - begin) * (precision === "ns" ? 1e6 : precision === "us" ? 1000 : 1)));
}

const SNAKE = /(?<=[a-z])(?=[A-Z])/g;

function grpcStatus(code: number, form: string | undefined): string | undefined {
  if (code < 0) return undefined;
  if (form === "NUMBER") return String(code);
  const name = GRPC_CODE_NAMES[code] ?? String(code);
  return form === "SNAKE_STRING" ? name.replaceAll(SNAKE, "_").toUpperCase() : name;
}

/** `NAMESPACE:KEY:KEY`. Objects and lists are JSON. */
function metadataText(argument: string, find: (name: string) => JsonValue | undefined): string | undefined {
  const [name = "", ...path] = argument.split(":");
  const found = metadataValue(find(name), path);
  if (found === undefined || found === null) return undefined;
  return typeof found === "string" ? found : JSON.stringify(found);
}

function metadataCommand(record: ExchangeRecord, argument: string): string | undefined {
  const colon = argument.indexOf(":");
  const rest = argument.slice(colon + 1);
  switch (argument.slice(0, colon)) {
    case "DYNAMIC":
      return metadataText(rest, (name) => record.metadata?.get(name));
    case "ROUTE":
      return metadataText(rest, (name) => record.route?.route.metadata?.[name]);
    case "UPSTREAM_HOST":
      return metadataText(rest, (name) => hostMetadata(record, name));
    default:
      return undefined;
  }
}

export function hostMetadata(record: ExchangeRecord, name: string): JsonValue | undefined {
  const endpoint = record.host?.endpoint;
  if (name === "envoy.lb") return endpoint?.lbLabels;
  return name === "envoy.transport_socket_match" ? endpoint?.transportLabels : undefined;
}

export function versionName(version: number): string {
  return version === 20 ? "HTTP/2" : version === 10 ? "HTTP/1.0" : "HTTP/1.1";
}

function elapsed(from: number, to: number): string | undefined {
  return from < 0 || to < 0 ? undefined : String(Math.trunc(to - from));
}

function dash(text: string): string | undefined {
  return text === "" ? undefined : text;
}
