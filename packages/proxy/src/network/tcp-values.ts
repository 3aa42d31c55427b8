import type { FormatCommand, FormatValues } from "../config/format.ts";
import { connectionValue, upstreamValue } from "../http/exchange-values.ts";
import type { TcpRecord } from "./tcp-record.ts";

/** Values of Envoy's command operators for a TCP connection. */
export function tcpValues(record: TcpRecord): FormatValues {
  return { command: (command) => value(record, command) };
}

function value(record: TcpRecord, command: FormatCommand): string | undefined {
  switch (command.name) {
    case "RESPONSE_CODE":
      return "0";
    case "BYTES_RECEIVED":
      return String(record.bytesReceived);
    case "BYTES_SENT":
      return String(record.bytesSent);
    case "DURATION":
      return String(Math.trunc(record.endMs - record.startMs));
    case "ACCESS_LOG_TYPE":
      return "TcpConnectionEnd";
    default:
      return upstreamValue(record, command) ?? connectionValue(record.connection, command);
  }
}
