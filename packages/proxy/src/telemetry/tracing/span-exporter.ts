import type { Clock } from "@heddle/std";
import { createRequestHead, type RequestHead } from "@heddle/wire";
import type { ClusterSet } from "../../upstream/cluster-set.ts";
import { sendSideRequest } from "../../upstream/side-request.ts";
import type { SpanData } from "./span.ts";

/** A batch on its way: one request to the collector. */
export interface ExportRequest {
  readonly path: string;
  readonly authority: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
}

/** How a collector is spoken to. */
export interface SpanFormat {
  /** Prefix of the counters: `tracing.zipkin` or `tracing.opentelemetry`. */
  readonly stats: string;
  readonly cluster: string;
  readonly timeoutMs: number;
  /** gRPC tells success in its trailers. */
  readonly grpc: boolean;
  encode(spans: readonly SpanData[]): ExportRequest;
}

export interface SpanExporterDeps {
  readonly format: SpanFormat;
  readonly clusters: ClusterSet;
  readonly clock: Clock;
  count(name: string, by?: number): void;
}

/** Takes spans off the request path. */
export interface SpanExporter {
  add(span: SpanData): void;
}

/** Waiting spans beyond it are dropped. */
const MAX_WAITING = 2048;
/** A batch goes out when it has so many, or is so old. Units of the second: ms. */
const BATCH = 256;
const FLUSH_MS = 1000;
/** Batches on their way: a collector that is slower than the traffic loses spans, nothing else. */
const MAX_SENDING = 2;
const MAX_ANSWER = 65_536;

class QueueingExporter implements SpanExporter {
  readonly #deps: SpanExporterDeps;
  #waiting: SpanData[] = [];
  #armed = false;
  #sending = 0;

  constructor(deps: SpanExporterDeps) {
    this.#deps = deps;
  }

  add(span: SpanData): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#deps.count(`${this.#deps.format.stats}.spans_dropped`);
      return;
    }
    this.#waiting.push(span);
    if (this.#armed) return;
    this.#armed = true;
    this.#arm(FLUSH_MS);
  }

  #arm(delayMs: number): void {
    this.#deps.clock.after(delayMs, () => {
      this.#armed = false;
      this.#deps.count(`${this.#deps.format.stats}.timer_flushed`);
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#waiting.length > 0 && this.#sending < MAX_SENDING) this.#send(this.#waiting.splice(0, BATCH));
    if (this.#waiting.length === 0 || this.#armed) return;
    this.#armed = true;
    this.#arm(FLUSH_MS);
  }

  #send(spans: readonly SpanData[]): void {
    const { format, clusters, clock, count } = this.#deps;
    const { stats } = format;
    const cluster = clusters.get(format.cluster);
    if (cluster === undefined) {
      count(`${stats}.reports_skipped_no_cluster`);
      count(`${stats}.spans_dropped`, spans.length);
      return;
    }
    const request = format.encode(spans);
    this.#sending++;
    sendSideRequest(
      {
        cluster,
        head: headOf(request),
        body: request.body,
        clock,
        timeoutMs: format.timeoutMs,
        maxBytes: MAX_ANSWER,
      },
      (result) => {
        this.#sending--;
        const answer = result.ok ? result.value : undefined;
        const status = answer?.trailers.get("grpc-status") ?? answer?.headers.get("grpc-status");
        const accepted =
          answer !== undefined && answer.status >= 200 && answer.status < 300 && (!format.grpc || status === "0");
        count(`${stats}.${accepted ? "reports_sent" : answer === undefined ? "reports_failed" : "reports_dropped"}`);
        count(`${stats}.${accepted ? "spans_sent" : "spans_dropped"}`, spans.length);
        if (this.#waiting.length >= BATCH) this.#flush();
      },
    );
  }
}

export function headOf(request: ExportRequest): RequestHead {
  const head = createRequestHead();
  head.method = "POST";
  head.path = request.path;
  head.authority = request.authority;
  for (const [name, value] of request.headers) head.headers.set(name, value);
  head.headers.set("content-length", String(request.body.length));
  return head;
}

/** Keeps spans for at most a second and sends them in batches; never waits, never fails. */
export function createSpanExporter(deps: SpanExporterDeps): SpanExporter {
  return new QueueingExporter(deps);
}
