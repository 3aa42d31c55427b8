import type { JsonValue } from "@bufbuild/protobuf";
import { commandText, type FormatCommand, type FormatValues } from "./format.ts";

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

/** The value of a command in JSON, undefined where there is none. Of several, the one that is there keeps its kind. */
export function commandJson(command: FormatCommand, values: FormatValues): JsonValue | undefined {
  if (command.alternatives === undefined) {
    if (values.metadata !== undefined && command.name.endsWith("METADATA")) return values.metadata(command);
    // A number is never cut.
    const value = isNumeric(command) ? values.command(command) : commandText(command, values);
    if (value === undefined) return undefined;
    return isNumeric(command) ? Number(value) : value;
  }
  for (const alternative of command.alternatives) {
    const value = commandJson(alternative, values);
    if (value === undefined) continue;
    return typeof value === "string" ? value.slice(0, command.maxLength) : value;
  }
  return undefined;
}

/** Operators that are taken and give `-` always, with the reason. Source: Envoy 1.40. */
export const ABSENT_OPERATORS: readonly (readonly [names: readonly string[], reason: string])[] = [
  [["ROUNDTRIP_DURATION"], "Envoy has it for HTTP/3 only"],
];
