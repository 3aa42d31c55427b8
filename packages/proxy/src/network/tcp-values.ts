import type { FormatCommand, FormatValues } from "../config/format.ts";
import { connectionValue } from "../http/connection-values.ts";
import { commonDuration, connectPoint } from "../http/duration-values.ts";
import { metadataCommand, metadataJson, metadataText } from "../http/metadata-values.ts";
import { dash, expressionText, stateText } from "../http/text-values.ts";
import { upstreamValue } from "../http/upstream-values.ts";
import { loggedAttributes } from "../telemetry/record-attributes.ts";
import { connectionStreamId } from "./stream-id.ts";
import type { TcpRecord } from "./tcp-record.ts";

/** Values of Envoy's command operators for a TCP connection. */
export function tcpValues(record: TcpRecord): FormatValues {
  return {
    command: (command) => value(record, command),
    metadata: (command) => metadataJson(record, command, { metadata: record.connection.metadata, route: undefined }),
  };
}

const HEADERLESS = /HEADER_BYTES_(?:SENT|RECEIVED)$|^(?:REQUEST|RESPONSE)_(?:HEADERS|TRAILERS)_BYTES$/;

function value(record: TcpRecord, command: FormatCommand): string | undefined {
  switch (command.name) {
    case "RESPONSE_CODE":
      return "0";
    case "BYTES_RECEIVED":
    case "DOWNSTREAM_WIRE_BYTES_RECEIVED":
      return String(record.bytesReceived);
    case "BYTES_SENT":
    case "DOWNSTREAM_WIRE_BYTES_SENT":
      return String(record.bytesSent);
    case "UPSTREAM_WIRE_BYTES_SENT":
      return String(record.upstream === undefined ? 0 : record.bytesReceived);
    case "UPSTREAM_WIRE_BYTES_RECEIVED":
      return String(record.upstream === undefined ? 0 : record.bytesSent);
    case "UPSTREAM_REQUEST_ATTEMPT_COUNT":
      return String(record.attempts);
    case "STREAM_ID":
      return record.proxied ? connectionStreamId(record.connection) : undefined;
    case "DURATION":
      return String(Math.trunc(record.endMs - record.startMs));
    case "COMMON_DURATION":
      return commonDuration(command.argument ?? "", (name) =>
        name === "DS_RX_BEG" ? record.startMs : connectPoint(record.upstream, name),
      );
    // Envoy tells it of HTTP only.
    case "DOWNSTREAM_HANDSHAKE_DURATION":
      return undefined;
    case "ACCESS_LOG_TYPE":
      return record.logType;
    case "PROTOCOL":
      return dash(record.protocol);
    case "CONNECTION_TERMINATION_DETAILS":
      return dash(record.termination);
    case "DOWNSTREAM_TRANSPORT_FAILURE_REASON":
      return dash(record.handshakeFailure.replaceAll(" ", "_"));
    case "DOWNSTREAM_LOCAL_CLOSE_REASON":
      return dash(record.closeReason);
    case "UPSTREAM_LOCAL_CLOSE_REASON":
      return dash(record.upstreamCloseReason);
    case "UPSTREAM_DETECTED_CLOSE_TYPE":
      return record.proxied ? upstreamValue(record, command) : undefined;
    case "DOWNSTREAM_DETECTED_CLOSE_TYPE":
      return record.clientReset || "Normal";
    case "METADATA":
      return metadataCommand(record, command.argument ?? "", {
        metadata: record.connection.metadata,
        route: undefined,
      });
    case "DYNAMIC_METADATA":
      return metadataText(command.argument ?? "", (name) => record.connection.metadata?.get(name));
    case "FILTER_STATE":
      return stateText(command, undefined, record.connection.filterState);
    case "CEL":
    case "TYPED_CEL":
      return expressionText(command, loggedAttributes().ofConnection(record));
    default:
      if (HEADERLESS.test(command.name)) return "0";
      return upstreamValue(record, command) ?? connectionValue(record.connection, command);
  }
}
