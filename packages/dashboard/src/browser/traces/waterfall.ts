import type { Span, Trace } from "./jaeger.ts";

/** A line of the waterfall. Places are shares of the whole trace, 0 to 1. */
export interface Row {
  readonly span: Span;
  readonly service: string;
  readonly depth: number;
  readonly start: number;
  readonly length: number;
  readonly failed: boolean;
}

export interface Waterfall {
  readonly rows: readonly Row[];
  readonly startMs: number;
  readonly durationMs: number;
  readonly services: readonly string[];
  readonly failed: boolean;
  readonly title: string;
  /** Whether a span names a parent that is not here: it was lost, or not sampled. */
  readonly incomplete: boolean;
}

/** Spans as a tree in the order of their beginning; a circle or a lost parent loses no span. */
export function waterfall(trace: Trace): Waterfall {
  const byId = new Map(trace.spans.map((s) => [s.spanID, s]));
  const children = new Map<string, Span[]>();
  const roots: Span[] = [];
  let incomplete = false;
  for (const span of [...trace.spans].sort((a, b) => a.startTime - b.startTime)) {
    const parent = span.references?.find((r) => r.refType === "CHILD_OF")?.spanID;
    if (parent !== undefined && byId.has(parent) && parent !== span.spanID) {
      const list = children.get(parent) ?? [];
      list.push(span);
      children.set(parent, list);
    } else {
      incomplete ||= parent !== undefined && parent !== "" && !/^0+$/.test(parent);
      roots.push(span);
    }
  }
  const start = Math.min(...trace.spans.map((s) => s.startTime));
  const end = Math.max(...trace.spans.map((s) => s.startTime + s.duration));
  const whole = Math.max(1, end - start);
  const rows: Row[] = [];
  const seen = new Set<Span>();
  const visit = (span: Span, depth: number): void => {
    if (seen.has(span)) return;
    seen.add(span);
    rows.push({
      span,
      service: trace.processes[span.processID]?.serviceName ?? "unknown",
      depth,
      start: (span.startTime - start) / whole,
      length: span.duration / whole,
      failed: spanFailed(span),
    });
    for (const child of children.get(span.spanID) ?? []) visit(child, depth + 1);
  };
  for (const root of roots) visit(root, 0);
  // What is left hangs in circles.
  for (const span of trace.spans) visit(span, 0);
  return {
    rows,
    startMs: start / 1000,
    durationMs: (end - start) / 1000,
    services: [...new Set(rows.map((r) => r.service))],
    failed: rows.some((r) => r.failed),
    title: rows[0] ? `${rows[0].service}: ${spanTitle(rows[0].span)}` : trace.traceID,
    incomplete,
  };
}

/** What was asked, where the span says it: a proxy's operation names only the route. */
export function spanTitle({ tags = [], operationName }: Span): string {
  const text = (key: string) => String(tags.find((t) => t.key === key)?.value ?? "");
  const path = /^[a-z]+:\/\/[^/]*(\/[^?#]*)/.exec(text("http.url"))?.[1];
  return path === undefined ? operationName : `${text("http.method")} ${path}`.trim();
}

/** Source: OpenTelemetry's and OpenTracing's conventions, and Envoy's span tags. */
function spanFailed(span: Span): boolean {
  return (span.tags ?? []).some(({ key, value }) => {
    if (key === "error") return value === true || value === "true";
    if (key === "otel.status_code") return value === "ERROR";
    if (key === "http.status_code") return Number(value) >= 500;
    return key === "grpc.status_code" && Number(value) > 0;
  });
}
