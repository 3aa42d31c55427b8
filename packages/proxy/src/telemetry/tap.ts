import { isSecretName, redactText } from "@heddle/std";
import { headerEntries } from "@heddle/wire";
import type { ExchangeObserver } from "../http/connection-manager.ts";
import type { ExchangeRecord } from "../http/exchange-record.ts";

/** One exchange as those who watch see it: heads, sizes and times, never a body. */
export interface TapEvent {
  /** When it began. Units: ms since 1970. */
  readonly time: number;
  readonly direction: "in" | "out";
  readonly src: string;
  readonly dst: string;
  readonly tls: boolean;
  readonly srcId: string;
  readonly dstId: string;
  readonly method: string;
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  readonly status: number;
  /** -1: not gRPC, or none was sent. */
  readonly grpcStatus: number;
  readonly grpcMessage: string;
  readonly flags: string;
  readonly details: string;
  readonly cluster: string;
  readonly route: string;
  /** Until the response began; -1: it never did. Units: ms. */
  readonly latencyMs: number;
  readonly durationMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Values of secret headers are replaced. */
  readonly requestHeaders: readonly (readonly [string, string])[];
  readonly responseHeaders: readonly (readonly [string, string])[];
}

/** Shows exchanges to whoever watches now, and keeps the last failures. While nobody watches a good exchange costs one comparison. */
export interface Tap {
  readonly observer: ExchangeObserver;
  /** The last failures, oldest first. */
  failures(): readonly TapEvent[];
  /** Calls `onEvent` for each exchange until the returned function is called. */
  watch(onEvent: (event: TapEvent) => void): () => void;
}

/** Units: exchanges. */
const KEPT_FAILURES = 64;
/** Longest text that is kept of a path or a header. Units: characters. */
const MAX_TEXT = 512;
const MAX_HEADERS = 40;

export function createTap(): Tap {
  return new HttpTap();
}

class HttpTap implements Tap {
  readonly observer: ExchangeObserver = { onExchangeDone: (record) => this.#done(record) };
  readonly #watchers = new Set<(event: TapEvent) => void>();
  #failures: TapEvent[] = [];

  failures(): readonly TapEvent[] {
    return this.#failures;
  }

  watch(onEvent: (event: TapEvent) => void): () => void {
    this.#watchers.add(onEvent);
    return () => void this.#watchers.delete(onEvent);
  }

  #done(record: ExchangeRecord): void {
    const failed = record.status === 0 || record.status >= 500 || (record.grpc && record.grpcStatus > 0);
    if (!failed && this.#watchers.size === 0) return;
    const event = describe(record);
    if (failed) {
      if (this.#failures.length >= KEPT_FAILURES) this.#failures.shift();
      this.#failures.push(event);
    }
    for (const watcher of this.#watchers) watcher(event);
  }
}

function describe(record: ExchangeRecord): TapEvent {
  const { connection, request, response } = record;
  const inbound = connection.direction === "inbound";
  return {
    time: record.startTime,
    direction: inbound ? "in" : "out",
    src: connection.remoteText,
    // Where the caller wanted to go is a Service's address; the host is who really answered.
    dst: inbound ? connection.localText : (record.host?.text ?? connection.localText),
    tls: inbound ? connection.tls !== undefined : record.upstreamSecure,
    srcId: inbound ? connection.principal : "",
    dstId: inbound ? connection.localUri : record.upstreamPrincipal,
    method: cut(request.method),
    scheme: request.scheme,
    authority: cut(request.authority),
    path: cut(record.originalPath),
    status: record.status,
    grpcStatus: record.grpc ? record.grpcStatus : -1,
    grpcMessage: cut(redactText(response?.headers.get("grpc-message") ?? "")),
    flags: record.flags,
    details: cut(record.details === "" ? record.transportFailure : record.details),
    cluster: record.clusterName,
    route: record.route?.route.name ?? "",
    latencyMs: record.firstByteMs < 0 ? -1 : record.firstByteMs - record.startMs,
    durationMs: record.endMs - record.startMs,
    bytesIn: record.bytesReceived,
    bytesOut: record.bytesSent,
    requestHeaders: shown(headerEntries(request.headers)),
    responseHeaders: response === undefined ? [] : shown(headerEntries(response.headers)),
  };
}

/** Headers that prove something to somebody, beside those that `isSecretName` knows. */
const HIDDEN = new Set(["x-forwarded-client-cert", "x-envoy-peer-metadata"]);

function shown(headers: readonly (readonly [string, string])[]): (readonly [string, string])[] {
  return headers
    .slice(0, MAX_HEADERS)
    .map(([name, value]) => [
      cut(name),
      isSecretName(name) || HIDDEN.has(name) ? "[redacted]" : cut(redactText(value)),
    ]);
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}
