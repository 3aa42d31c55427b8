import { GRPC_CODE_NAMES } from "@heddle/wire";
import type { FormatCommand, FormatValues } from "../config/format.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import { headerCommand } from "./header-values.ts";

/** Values of Envoy's command operators for an exchange. Source: Envoy access log command operators. */
export function exchangeValues(record: ExchangeRecord): FormatValues {
  return { command: (command) => value(record, command) };
}

function value(record: ExchangeRecord, command: FormatCommand): string | undefined {
  const { connection, request } = record;
  switch (command.name) {
    case "START_TIME":
      return new Date(record.startTime).toISOString();
    case "REQ":
      return requestHeader(record, command);
    case "RESP":
      return headerCommand(command, undefined, record.response?.headers);
    case "TRAILER":
      return undefined;
    case "PROTOCOL":
      return versionName(request.version);
    case "UPSTREAM_PROTOCOL":
      return record.response === undefined ? undefined : versionName(record.response.version);
    case "RESPONSE_CODE":
      return String(record.status);
    case "RESPONSE_FLAGS":
    case "RESPONSE_FLAGS_LONG":
      return record.flags;
    case "RESPONSE_CODE_DETAILS":
      return dash(record.details);
    case "UPSTREAM_TRANSPORT_FAILURE_REASON":
      return dash(record.transportFailure);
    case "BYTES_RECEIVED":
      return String(record.bytesReceived);
    case "BYTES_SENT":
      return String(record.bytesSent);
    case "DURATION":
      return elapsed(record.startMs, record.endMs);
    case "REQUEST_DURATION":
      return elapsed(record.startMs, record.requestEndMs);
    case "RESPONSE_DURATION":
      return elapsed(record.startMs, record.firstByteMs);
    case "RESPONSE_TX_DURATION":
      return elapsed(record.firstByteMs, record.endMs);
    case "UPSTREAM_HOST":
      return record.host?.text;
    case "UPSTREAM_CLUSTER":
    case "UPSTREAM_CLUSTER_RAW":
      return dash(record.clusterName);
    case "UPSTREAM_LOCAL_ADDRESS":
      return dash(record.upstreamLocal);
    case "UPSTREAM_REQUEST_ATTEMPT_COUNT":
      return String(record.attempts);
    case "ROUTE_NAME":
      return dash(record.route?.route.name ?? "");
    case "GRPC_STATUS":
      return record.grpcStatus < 0 ? undefined : (GRPC_CODE_NAMES[record.grpcStatus] ?? String(record.grpcStatus));
    case "GRPC_STATUS_NUMBER":
      return record.grpcStatus < 0 ? undefined : String(record.grpcStatus);
    default:
      return connectionValue(connection, command.name);
  }
}

/** Values that TCP connections have too. */
export function connectionValue(connection: ExchangeRecord["connection"], name: string): string | undefined {
  switch (name) {
    case "DOWNSTREAM_LOCAL_ADDRESS":
      return connection.localText;
    case "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT":
      return connection.local.ip;
    case "DOWNSTREAM_LOCAL_PORT":
      return String(connection.local.port);
    case "DOWNSTREAM_REMOTE_ADDRESS":
    case "DOWNSTREAM_DIRECT_REMOTE_ADDRESS":
      return connection.remoteText;
    case "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT":
    case "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT":
      return connection.remote.ip;
    case "DOWNSTREAM_PEER_URI_SAN":
      return dash(connection.principal);
    case "DOWNSTREAM_LOCAL_URI_SAN":
      return dash(connection.localUri);
    case "DOWNSTREAM_PEER_SUBJECT":
      return connection.tls?.peer?.subject;
    case "DOWNSTREAM_TLS_VERSION":
      return connection.tls?.version;
    case "REQUESTED_SERVER_NAME":
      return dash(connection.sni);
    case "CONNECTION_ID":
      return String(connection.id);
    case "FILTER_CHAIN_NAME":
      return dash(connection.chainName);
    default:
      return undefined;
  }
}

/** `:path` in a log is what the client sent, not what the route made of it. */
function requestHeader(record: ExchangeRecord, command: FormatCommand): string | undefined {
  if (command.argument?.toLowerCase() === "x-envoy-original-path?:path") return record.originalPath;
  return headerCommand(command, record.request, record.request.headers);
}

function versionName(version: number): string {
  return version === 20 ? "HTTP/2" : version === 10 ? "HTTP/1.0" : "HTTP/1.1";
}

function elapsed(from: number, to: number): string | undefined {
  return from < 0 || to < 0 ? undefined : String(Math.trunc(to - from));
}

function dash(text: string): string | undefined {
  return text === "" ? undefined : text;
}
