/** What Jaeger's query service answers, as far as the page reads it. Source: jaeger model/json. */
export interface TracesAnswer {
  readonly data: readonly Trace[];
}

export interface TraceServices {
  readonly data: readonly string[];
}

export interface Trace {
  readonly traceID: string;
  readonly spans: readonly Span[];
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
}

export interface Span {
  readonly spanID: string;
  readonly operationName: string;
  readonly references?: readonly { readonly refType: string; readonly spanID: string }[];
  /** Units: microseconds since 1970. */
  readonly startTime: number;
  /** Units: microseconds. */
  readonly duration: number;
  readonly tags?: readonly { readonly key: string; readonly value: unknown }[];
  readonly processID: string;
}
