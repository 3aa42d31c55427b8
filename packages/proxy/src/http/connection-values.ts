import type { FormatCommand } from "../config/format.ts";
import type { ConnectionInfo } from "../listener/connection-info.ts";
import { tlsValue } from "./certificate-values.ts";
import { maskedIp } from "./masked-ip.ts";
import { dash } from "./text-values.ts";

/** Values that TCP connections have too. */
export function connectionValue(connection: ConnectionInfo, command: FormatCommand): string | undefined {
  const { name } = command;
  switch (name) {
    case "DOWNSTREAM_LOCAL_ADDRESS":
    case "DOWNSTREAM_DIRECT_LOCAL_ADDRESS":
      return connection.localText;
    case "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT":
    case "DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT":
      return maskedIp(connection.local.ip, command.argument);
    case "DOWNSTREAM_LOCAL_PORT":
    case "DOWNSTREAM_DIRECT_LOCAL_PORT":
      return String(connection.local.port);
    case "DOWNSTREAM_REMOTE_ADDRESS":
    case "DOWNSTREAM_DIRECT_REMOTE_ADDRESS":
      return connection.remoteText;
    case "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT":
    case "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT":
      return maskedIp(connection.remote.ip, command.argument);
    case "DOWNSTREAM_REMOTE_PORT":
    case "DOWNSTREAM_DIRECT_REMOTE_PORT":
      return String(connection.remote.port);
    case "DOWNSTREAM_LOCAL_URI_SAN":
      return (
        dash(connection.localUri) ??
        tlsValue(connection.tls, command, "DOWNSTREAM_", () => connection.socket.tlsSession)
      );
    case "DOWNSTREAM_TLS_VERSION":
      return connection.tls?.version;
    case "REQUESTED_SERVER_NAME":
      return dash(connection.sni);
    case "TLS_JA3_FINGERPRINT":
      return dash(connection.ja3);
    case "TLS_JA4_FINGERPRINT":
      return dash(connection.ja4);
    case "DOWNSTREAM_CX_RTT":
      return connection.socket.roundTripMs?.toString();
    case "CONNECTION_ID":
      return String(connection.id);
    case "FILTER_CHAIN_NAME":
      return dash(connection.chainName);
    case "LISTENER_NAME":
      return dash(connection.listenerName);
    case "DOWNSTREAM_TLS_CIPHER":
      return dash(connection.tls?.cipher ?? "");
    case "DOWNSTREAM_HANDSHAKE_DURATION":
      return connection.handshakeMs < 0 ? undefined : String(Math.trunc(connection.handshakeMs));
    case "BYTES_RETRANSMITTED":
    case "PACKETS_RETRANSMITTED":
      return "0";
    case "DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID":
    case "DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID":
      return "";
    case "DOWNSTREAM_DETECTED_CLOSE_TYPE":
      return "Normal";
    default:
      return tlsValue(connection.tls, command, "DOWNSTREAM_", () => connection.socket.tlsSession);
  }
}
