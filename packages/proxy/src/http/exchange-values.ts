import type { JsonValue } from "@bufbuild/protobuf";
import { GRPC_CODE_NAMES, type HeaderList, headerEntries } from "@heddle/wire";
import type { FormatCommand, FormatValues } from "../config/format.ts";
import { queryValue } from "../router/route-matcher.ts";
import { loggedAttributes } from "../telemetry/record-attributes.ts";
import { formatAddress } from "../transport/address.ts";
import { bytesValue } from "./bytes-values.ts";
import { connectionValue } from "./connection-values.ts";
import { commonDuration, connectPoint, elapsed } from "./duration-values.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import { forwardedValue } from "./forwarded-value.ts";
import { headerCommand } from "./header-values.ts";
import { maskedIp } from "./masked-ip.ts";
import { metadataCommand, metadataJson, metadataText } from "./metadata-values.ts";
import { dash, expressionText, stateText } from "./text-values.ts";
import { upstreamValue } from "./upstream-values.ts";

/** Values of Envoy's command operators for an exchange. Source: Envoy access log command operators. */
export function exchangeValues(record: ExchangeRecord): FormatValues {
  return new ExchangeValues(record);
}

class ExchangeValues implements FormatValues {
  readonly #record: ExchangeRecord;

  constructor(record: ExchangeRecord) {
    this.#record = record;
  }

  command(command: FormatCommand): string | undefined {
    return value(this.#record, command);
  }

  metadata(command: FormatCommand): JsonValue | undefined {
    return metadataJson(this.#record, command, this.#record);
  }
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
      // A try knows it from its connection on.
      return record.logType.startsWith("Upstream") && record.upstream === undefined
        ? undefined
        : versionName(request.version);
    case "UPSTREAM_PROTOCOL":
      return record.upstreamVersion === 0 ? undefined : versionName(record.response?.version ?? record.upstreamVersion);
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
    case "REQUEST_TX_DURATION":
      return elapsed(record.startMs, point(record, "US_TX_END"));
    case "RESPONSE_DURATION":
      return elapsed(record.startMs, record.firstByteMs);
    case "RESPONSE_TX_DURATION":
      return record.logType === "DownstreamEnd" ? elapsed(record.firstByteMs, record.endMs) : undefined;
    case "COMMON_DURATION":
      return commonDuration(command.argument ?? "", (name) => point(record, name));
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
      return record.span?.traceId;
    case "SPAN_ID":
      return record.span?.spanId;
    case "VIRTUAL_CLUSTER_NAME":
      return record.virtualCluster?.prefix.replace(/^.*\.vcluster\./, "");
    case "TRAILER":
    case "RESPONSE_TRAILER":
      return headerCommand(command, undefined, record.responseTrailers);
    case "RESPONSE_TRAILERS_BYTES":
      return String(record.responseTrailers === undefined ? 0 : headerBytes(record.responseTrailers));
    case "REQ_WITHOUT_QUERY":
      return requestHeader(record, command)?.replace(/\?.*$/s, "");
    case "XFCC_VALUE":
      return forwardedValue(request.headers.get("x-forwarded-client-cert") ?? "", command.argument ?? "");
    case "CEL":
    case "TYPED_CEL":
      return expressionText(command, loggedAttributes().ofExchange(record));
    case "FILTER_STATE":
      return stateText(command, record.filterState, record.connection.filterState);
    case "UPSTREAM_FILTER_STATE":
      return record.upstream && stateText(command, record.sharedState, undefined);
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
      return metadataCommand(record, command.argument ?? "", record);
    case "REQUESTED_SERVER_NAME":
      return serverName(record, command.argument);
    case "ACCESS_LOG_TYPE":
      return record.logType;
    case "UPSTREAM_CLUSTER":
    case "UPSTREAM_CLUSTER_RAW":
      return dash(record.clusterName || routedCluster(record));
    case "RESPONSE_CODE_DETAILS":
      // There is no answer yet.
      if (record.status === 0 && record.logType !== "DownstreamEnd") return undefined;
      return upstreamValue(record, command);
    case "DOWNSTREAM_REMOTE_ADDRESS":
      return clientText(record);
    case "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT":
      return maskedIp(record.forwardedIp ?? connection.remote.ip, command.argument);
    case "DOWNSTREAM_REMOTE_PORT":
      return record.forwardedIp === undefined ? String(connection.remote.port) : "0";
    case "UPSTREAM_DETECTED_CLOSE_TYPE":
      // What was no request never got as far as an upstream.
      return request.method === "" ? undefined : upstreamValue(record, command);
    default:
      return bytesValue(record, command.name) ?? upstreamValue(record, command) ?? connectionValue(connection, command);
  }
}

/** Source: Envoy: who is known by x-forwarded-for only has port 0. */
function clientText({ forwardedIp: ip, connection }: ExchangeRecord): string {
  return ip === undefined ? connection.remoteText : formatAddress({ ip, port: 0 });
}

/** `:method`, `:path`, `:authority`, `:scheme`. */
const HEAD_NAMES = 7 + 5 + 10 + 7;
const STATUS_BYTES = ":status".length + 3;

function headerBytes(headers: HeaderList): number {
  return headerEntries(headers).reduce((sum, [name, text]) => sum + name.length + text.length, 0);
}

/** `:path` in a log is what the client sent, not what the route made of it. */
function requestHeader(record: ExchangeRecord, command: FormatCommand): string | undefined {
  // What was no request has no fields either.
  if (record.request.method === "") return undefined;
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

/** `REQUESTED_SERVER_NAME(X:Y)`: the name of the handshake, and of the request where X says so; Y which of its names. */
function serverName({ connection, request }: ExchangeRecord, argument = "SNI_ONLY"): string | undefined {
  const [from, which = "ORIG_OR_HOST"] = argument.split(":");
  if (from !== "HOST_FIRST" && (from !== "SNI_FIRST" || connection.sni !== "")) return dash(connection.sni);
  const original = which === "HOST" ? undefined : request.headers.get("x-envoy-original-host");
  return original ?? dash((which === "ORIG" ? "" : request.authority) || connection.sni);
}

/** The route's only cluster, before the request is on its way there. */
function routedCluster({ route, logType }: ExchangeRecord): string {
  const action = logType === "DownstreamEnd" ? undefined : route?.route.action;
  return action?.kind === "forward" && action.choice.kind === "cluster" ? action.choice.cluster : "";
}

const SNAKE = /(?<=[a-z])(?=[A-Z])/g;

function grpcStatus(code: number, form: string | undefined): string | undefined {
  if (code < 0) return undefined;
  if (form === "NUMBER") return String(code);
  const name = GRPC_CODE_NAMES[code] ?? String(code);
  return form === "SNAKE_STRING" ? name.replaceAll(SNAKE, "_").toUpperCase() : name;
}

export function versionName(version: number): string {
  return version === 20 ? "HTTP/2" : version === 10 ? "HTTP/1.0" : "HTTP/1.1";
}

/** A point of time in an exchange. Units: ms; -1: not known. Source: Envoy `COMMON_DURATION`. */
function point(record: ExchangeRecord, name: string): number {
  switch (name) {
    case "DS_RX_BEG":
      return record.startMs;
    case "DS_RX_END":
      return record.requestEndMs;
    case "US_TX_BEG":
      return record.upstreamReadyMs;
    case "US_TX_END":
      return record.upstreamReadyMs < 0 ? -1 : Math.max(record.upstreamReadyMs, record.requestEndMs);
    case "US_RX_BEG":
      return record.upstream === undefined ? -1 : record.firstByteMs;
    case "DS_TX_BEG":
      // The proxy's own answers are sent in one piece.
      return record.firstByteMs < 0 && record.status > 0 ? record.endMs : record.firstByteMs;
    case "US_RX_BODY_BEG":
      return record.upstreamBodyMs;
    case "US_RX_END":
      return record.upstreamEndMs;
    case "DS_TX_END":
      return record.endMs;
    default:
      return connectPoint(record.upstream, name);
  }
}
