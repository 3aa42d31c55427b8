import type { DecodeScope } from "./scope.ts";

/** A command of Envoy's substitution language: `%REQ(X-ENVOY-ORIGINAL-PATH?:PATH):10%`. */
export interface FormatCommand {
  readonly name: string;
  /** Text in the parentheses, as written; undefined without parentheses. */
  readonly argument: string | undefined;
  /** Characters kept of the value. */
  readonly maxLength: number | undefined;
}

/** A compiled substitution text. */
export interface Format {
  readonly segments: readonly (string | FormatCommand)[];
  /** The text itself when there are no commands. */
  readonly constant: string | undefined;
}

/** Where the values come from; `undefined` renders as `-`. */
export interface FormatValues {
  command(command: FormatCommand): string | undefined;
}

/** Every operator that this proxy can fill in. Source: Envoy 1.40 access log command operators. */
export const FORMAT_OPERATORS: ReadonlySet<string> = new Set([
  "START_TIME",
  "REQ",
  "RESP",
  "TRAILER",
  "PROTOCOL",
  "UPSTREAM_PROTOCOL",
  "RESPONSE_CODE",
  "RESPONSE_FLAGS",
  "RESPONSE_FLAGS_LONG",
  "RESPONSE_CODE_DETAILS",
  "CONNECTION_TERMINATION_DETAILS",
  "UPSTREAM_TRANSPORT_FAILURE_REASON",
  "BYTES_RECEIVED",
  "BYTES_SENT",
  "DURATION",
  "REQUEST_DURATION",
  "RESPONSE_DURATION",
  "RESPONSE_TX_DURATION",
  "UPSTREAM_HOST",
  "UPSTREAM_CLUSTER",
  "UPSTREAM_CLUSTER_RAW",
  "UPSTREAM_LOCAL_ADDRESS",
  "UPSTREAM_REQUEST_ATTEMPT_COUNT",
  "DOWNSTREAM_LOCAL_ADDRESS",
  "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT",
  "DOWNSTREAM_LOCAL_PORT",
  "DOWNSTREAM_REMOTE_ADDRESS",
  "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT",
  "DOWNSTREAM_DIRECT_REMOTE_ADDRESS",
  "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT",
  "DOWNSTREAM_PEER_URI_SAN",
  "DOWNSTREAM_LOCAL_URI_SAN",
  "DOWNSTREAM_PEER_SUBJECT",
  "DOWNSTREAM_TLS_VERSION",
  "REQUESTED_SERVER_NAME",
  "ROUTE_NAME",
  "VIRTUAL_CLUSTER_NAME",
  "HOSTNAME",
  "CONNECTION_ID",
  "STREAM_ID",
  "FILTER_CHAIN_NAME",
  "GRPC_STATUS",
  "GRPC_STATUS_NUMBER",
  "ENVIRONMENT",
  "PROTOCOL_VERSION",
]);

const PATTERN = /%(?:%|([A-Z0-9_]+)(?:\(((?:[^()]|\([^()]*\))*)\))?(?::(\d+))?%)/g;

/** Errors: unknown operators and a lone percent sign. */
export function compileFormat(text: string, scope: DecodeScope): Format {
  const segments: (string | FormatCommand)[] = [];
  let literal = "";
  let end = 0;
  for (const match of text.matchAll(PATTERN)) {
    literal += text.slice(end, match.index);
    end = match.index + match[0].length;
    const name = match[1];
    if (name === undefined) {
      literal += "%";
      continue;
    }
    if (!FORMAT_OPERATORS.has(name)) scope.problem(`%${name}% is not a command operator that this proxy knows`);
    if (literal !== "") segments.push(literal);
    literal = "";
    segments.push({ name, argument: match[2], maxLength: match[3] === undefined ? undefined : Number(match[3]) });
  }
  const rest = text.slice(end);
  if (rest.includes("%"))
    scope.problem(`"${text}" has a percent sign that starts no command; write %% for the sign itself`);
  literal += rest;
  if (segments.length === 0) return { segments: [literal], constant: literal };
  if (literal !== "") segments.push(literal);
  return { segments, constant: undefined };
}

/** The text with all commands replaced. */
export function renderFormat(format: Format, values: FormatValues): string {
  if (format.constant !== undefined) return format.constant;
  let text = "";
  for (const segment of format.segments) text += typeof segment === "string" ? segment : renderCommand(segment, values);
  return text;
}

function renderCommand(command: FormatCommand, values: FormatValues): string {
  const value = values.command(command) ?? "-";
  return command.maxLength === undefined ? value : value.slice(0, command.maxLength);
}
