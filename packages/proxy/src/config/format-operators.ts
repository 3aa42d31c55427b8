import type { JsonValue } from "@bufbuild/protobuf";
import type { FormatCommand } from "./format.ts";

/** Operators whose JSON value is a number. */
const NUMERIC: ReadonlySet<string> = new Set(
  [
    "RESPONSE_CODE BYTES_RECEIVED BYTES_SENT BYTES_RETRANSMITTED PACKETS_RETRANSMITTED REQUEST_HEADERS_BYTES",
    "RESPONSE_HEADERS_BYTES RESPONSE_TRAILERS_BYTES UPSTREAM_WIRE_BYTES_SENT UPSTREAM_WIRE_BYTES_RECEIVED",
    "UPSTREAM_HEADER_BYTES_SENT UPSTREAM_HEADER_BYTES_RECEIVED DOWNSTREAM_WIRE_BYTES_SENT DOWNSTREAM_WIRE_BYTES_RECEIVED",
    "DOWNSTREAM_HEADER_BYTES_SENT DOWNSTREAM_HEADER_BYTES_RECEIVED UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT",
    "UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT",
    "DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED DURATION COMMON_DURATION REQUEST_DURATION REQUEST_TX_DURATION",
    "RESPONSE_DURATION RESPONSE_TX_DURATION DOWNSTREAM_HANDSHAKE_DURATION UPSTREAM_CONNECTION_POOL_READY_DURATION",
    "UPSTREAM_REQUEST_ATTEMPT_COUNT GRPC_STATUS_NUMBER CONNECTION_ID UPSTREAM_CONNECTION_ID UPSTREAM_LOCAL_PORT",
    "UPSTREAM_REMOTE_PORT DOWNSTREAM_LOCAL_PORT DOWNSTREAM_REMOTE_PORT DOWNSTREAM_DIRECT_LOCAL_PORT",
    "DOWNSTREAM_DIRECT_REMOTE_PORT DOWNSTREAM_CX_RTT",
  ].flatMap((line) => line.split(" ")),
);

/** Whether the JSON value of a command is a number. */
export function isNumeric({ name, argument }: FormatCommand): boolean {
  return NUMERIC.has(name) || (name === "GRPC_STATUS" && argument === "NUMBER");
}

/** What a command's value is in JSON: numbers stay numbers, metadata that is an object stays one. */
export function jsonValueOf(command: FormatCommand, value: string): JsonValue {
  if (isNumeric(command)) return Number(value);
  if (!command.name.endsWith("METADATA") || !/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** Operators that are taken and give `-` always, with the reason. Source: Envoy 1.40. */
export const ABSENT_OPERATORS: readonly (readonly [names: readonly string[], reason: string])[] = [
  [["ROUNDTRIP_DURATION"], "Envoy has it for HTTP/3 only"],
  [["TLS_JA4_FINGERPRINT"], "the API that the proxy has knows no field to switch it on; JA3 is there"],
  [["DOWNSTREAM_LOCAL_CLOSE_REASON", "UPSTREAM_LOCAL_CLOSE_REASON"], "the reason is in the proxy's log"],
  [
    ["CONNECTION_TERMINATION_DETAILS", "DOWNSTREAM_TRANSPORT_FAILURE_REASON"],
    "except in a listener's own log, where a failed handshake has the TLS library's words without Envoy's around them",
  ],
  [["DOWNSTREAM_PEER_OTHERNAME_SAN", "DOWNSTREAM_LOCAL_OTHERNAME_SAN"], "other names of certificates are not read"],
];
