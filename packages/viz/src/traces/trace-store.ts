/** A span as it is kept, whatever protocol brought it. */
export interface StoredSpan {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  readonly spanId: string;
  /** "": it begins the trace. */
  readonly parentId: string;
  readonly name: string;
  readonly kind: "server" | "client" | "";
  readonly service: string;
  /** Units: µs since 1970. */
  readonly startUs: number;
  readonly durationUs: number;
  readonly tags: readonly (readonly [key: string, value: string])[];
}

export interface TraceQuery {
  readonly service?: string | undefined;
  readonly operation?: string | undefined;
  /** Units: µs since 1970. */
  readonly startUs?: number | undefined;
  readonly endUs?: number | undefined;
  readonly minDurationUs?: number | undefined;
  readonly maxDurationUs?: number | undefined;
  /** Every pair must be on one span. */
  readonly tags?: readonly (readonly [key: string, value: string])[] | undefined;
  /** Default: 20. */
  readonly limit?: number | undefined;
}

/** Recent traces in bounded memory. */
export interface TraceStore {
  add(spans: readonly StoredSpan[]): void;
  trace(traceId: string): readonly StoredSpan[] | undefined;
  /** Newest first. */
  find(query: TraceQuery): readonly (readonly StoredSpan[])[];
  services(): readonly string[];
  operations(service: string): readonly string[];
}

/** The oldest traces go first. */
const MAX_TRACES = 1000;
const MAX_SPANS = 20_000;
/** A trace that never ends must not push out the others. */
const MAX_SPANS_OF_TRACE = 1000;
const MAX_TAGS = 64;
const MAX_TEXT = 1024;

class BoundedTraces implements TraceStore {
  /** Oldest first, by the time of the first span. */
  readonly #traces = new Map<string, StoredSpan[]>();
  #spans = 0;

  add(spans: readonly StoredSpan[]): void {
    for (const span of spans) {
      let trace = this.#traces.get(span.traceId);
      if (trace === undefined) {
        trace = [];
        this.#traces.set(span.traceId, trace);
      }
      if (trace.length >= MAX_SPANS_OF_TRACE) continue;
      trace.push(bounded(span));
      this.#spans++;
    }
    for (const [traceId, trace] of this.#traces) {
      if (this.#traces.size <= MAX_TRACES && this.#spans <= MAX_SPANS) break;
      this.#traces.delete(traceId);
      this.#spans -= trace.length;
    }
  }

  trace(traceId: string): readonly StoredSpan[] | undefined {
    return this.#traces.get(traceId.toLowerCase().padStart(32, "0"));
  }

  find(query: TraceQuery): readonly (readonly StoredSpan[])[] {
    return [...this.#traces.values()]
      .filter((trace) => trace.some((span) => matches(span, query)))
      .sort((a, b) => startOf(b) - startOf(a))
      .slice(0, query.limit ?? 20);
  }

  services(): readonly string[] {
    const names = new Set<string>();
    for (const trace of this.#traces.values()) for (const span of trace) names.add(span.service);
    return [...names].sort();
  }

  operations(service: string): readonly string[] {
    const names = new Set<string>();
    for (const trace of this.#traces.values())
      for (const span of trace) if (span.service === service) names.add(span.name);
    return [...names].sort();
  }
}

function startOf(trace: readonly StoredSpan[]): number {
  return Math.min(...trace.map((span) => span.startUs));
}

function matches(span: StoredSpan, query: TraceQuery): boolean {
  const { startUs = 0, endUs = Number.POSITIVE_INFINITY } = query;
  return (
    (query.service === undefined || span.service === query.service) &&
    (query.operation === undefined || span.name === query.operation) &&
    span.startUs >= startUs &&
    span.startUs <= endUs &&
    span.durationUs >= (query.minDurationUs ?? 0) &&
    span.durationUs <= (query.maxDurationUs ?? Number.POSITIVE_INFINITY) &&
    (query.tags ?? []).every(([key, value]) => span.tags.some((tag) => tag[0] === key && tag[1] === value))
  );
}

function bounded(span: StoredSpan): StoredSpan {
  const cut = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);
  return {
    ...span,
    name: cut(span.name),
    service: cut(span.service),
    tags: span.tags.slice(0, MAX_TAGS).map(([key, value]) => [cut(key), cut(value)] as const),
  };
}

export function createTraceStore(): TraceStore {
  return new BoundedTraces();
}
