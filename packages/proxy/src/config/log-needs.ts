import type { AccessLogConfig } from "./access-log.ts";
import type { Format } from "./format.ts";
import type { JsonFormat } from "./log-line.ts";
import type { OtelFormat } from "./otel-log.ts";

/** What is noted of each request only because a log asks for it. */
export interface LogNeeds {
  /** When the upstream's connection was wanted and there, and when its answer was complete. */
  readonly times: boolean;
  readonly trailers: boolean;
  /** What the last try took on the wire. */
  readonly bytes: boolean;
  /** What connections know only while they are open. */
  readonly open: boolean;
}

const TIMES: ReadonlySet<string> = new Set([
  "COMMON_DURATION",
  "REQUEST_TX_DURATION",
  "UPSTREAM_CONNECTION_POOL_READY_DURATION",
]);
const TRAILERS: ReadonlySet<string> = new Set(["TRAILER", "RESPONSE_TRAILER", "RESPONSE_TRAILERS_BYTES"]);
const OF_OPEN: ReadonlySet<string> = new Set([
  "DOWNSTREAM_CX_RTT",
  ...["DOWNSTREAM", "UPSTREAM"].flatMap((side) => [`${side}_TLS_SESSION_ID`, `${side}_TLS_GROUP`]),
]);
const UPSTREAM_BYTES: ReadonlySet<string> = new Set([
  "UPSTREAM_WIRE_BYTES_SENT",
  "UPSTREAM_WIRE_BYTES_RECEIVED",
  "UPSTREAM_HEADER_BYTES_SENT",
  "UPSTREAM_HEADER_BYTES_RECEIVED",
  "UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT",
  "UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED",
]);

export function logNeeds(logs: readonly AccessLogConfig[]): LogNeeds {
  const names = new Set<string>();
  let [services, trailers] = [false, false];
  for (const { sink } of logs) {
    if (sink.kind === "grpc") {
      services = true;
      trailers ||= sink.responseTrailers.length > 0;
      for (const tag of sink.tags) if (tag.kind === "format") addNames(tag.format, names);
    }
    if (sink.kind === "file" && sink.line.kind === "text") addNames(sink.line.format, names);
    else if (sink.kind === "file" && sink.line.kind === "json") addJson(sink.line.fields, names);
    else if (sink.kind === "otel") {
      if (sink.body !== undefined) addOtel(sink.body, names);
      for (const [, value] of sink.attributes) addOtel(value, names);
    }
  }
  const some = (of: ReadonlySet<string>) => [...of].some((name) => names.has(name));
  return {
    // Entries for services say all of it.
    times: services || some(TIMES),
    trailers: trailers || some(TRAILERS),
    bytes: services || some(UPSTREAM_BYTES),
    open: services || some(OF_OPEN),
  };
}

function addNames(format: Format, names: Set<string>): void {
  for (const segment of format.segments) {
    if (typeof segment === "string") continue;
    names.add(segment.name);
    for (const { name } of segment.alternatives ?? []) names.add(name);
  }
}

function addJson(format: JsonFormat, names: Set<string>): void {
  if (format.kind === "leaf") addNames(format.format, names);
  else if (format.kind === "list") for (const item of format.items) addJson(item, names);
  else if (format.kind === "object") for (const [, item] of format.entries) addJson(item, names);
}

function addOtel(format: OtelFormat, names: Set<string>): void {
  if (format.kind === "text") addNames(format.format, names);
  else if (format.kind === "list") for (const item of format.items) addOtel(item, names);
  else if (format.kind === "map") for (const [, item] of format.entries) addOtel(item, names);
}

/** Asks an open connection for what it does not know any more once it is closed. */
export function noteOpen(connection: { readonly tlsSession: unknown; readonly roundTripMs: unknown }): void {
  void connection.tlsSession;
  void connection.roundTripMs;
}
