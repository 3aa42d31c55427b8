import type { FormatCommand, FormatValues } from "../config/format.ts";
import { connectionValue } from "../http/exchange-values.ts";
import type { TcpRecord } from "./tcp-record.ts";

/** Values of Envoy's command operators for a TCP connection. */
export function tcpValues(record: TcpRecord): FormatValues {
  return { command: (command) => value(record, command) };
}

function value(record: TcpRecord, command: FormatCommand): string | undefined {
  switch (command.name) {
    case "START_TIME":
      return new Date(record.startTime).toISOString();
    case "RESPONSE_CODE":
      return "0";
    case "RESPONSE_FLAGS":
    case "RESPONSE_FLAGS_LONG":
      return record.flags;
    case "RESPONSE_CODE_DETAILS":
      return record.details === "" ? undefined : record.details;
    case "UPSTREAM_TRANSPORT_FAILURE_REASON":
      return record.transportFailure === "" ? undefined : record.transportFailure;
    case "BYTES_RECEIVED":
      return String(record.bytesReceived);
    case "BYTES_SENT":
      return String(record.bytesSent);
    case "DURATION":
      return String(Math.trunc(record.endMs - record.startMs));
    case "UPSTREAM_HOST":
      return record.host?.text;
    case "UPSTREAM_CLUSTER":
    case "UPSTREAM_CLUSTER_RAW":
      return record.clusterName === "" ? undefined : record.clusterName;
    case "UPSTREAM_LOCAL_ADDRESS":
      return record.upstreamLocal === "" ? undefined : record.upstreamLocal;
    default:
      return connectionValue(record.connection, command.name);
  }
}
