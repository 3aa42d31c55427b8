import { BadQuery } from "../query-params.ts";
import type { StoredSpan, TraceQuery, TraceStore } from "./trace-store.ts";

/** A trace as Jaeger's query service gives it. Source: jaeger `model/json`. */
export interface JaegerTrace {
  readonly traceID: string;
  readonly spans: readonly JaegerSpan[];
  readonly processes: Readonly<Record<string, { readonly serviceName: string; readonly tags: readonly JaegerTag[] }>>;
  readonly warnings: null;
}

export interface JaegerSpan {
  readonly traceID: string;
  readonly spanID: string;
  readonly operationName: string;
  readonly references: readonly { readonly refType: "CHILD_OF"; readonly traceID: string; readonly spanID: string }[];
  /** Units: µs since 1970. */
  readonly startTime: number;
  /** Units: µs. */
  readonly duration: number;
  readonly tags: readonly JaegerTag[];
  readonly logs: readonly never[];
  readonly processID: string;
  readonly warnings: null;
}

interface JaegerTag {
  readonly key: string;
  readonly type: "string";
  readonly value: string;
}

/** `{data, total, limit, offset, errors}`: every answer of Jaeger's API. */
export interface JaegerAnswer<T> {
  readonly data: readonly T[];
  readonly total: number;
  readonly limit: number;
  readonly offset: number;
  readonly errors: null;
}

function answer<T>(data: readonly T[]): JaegerAnswer<T> {
  return { data, total: data.length, limit: 0, offset: 0, errors: null };
}

/** `/api/traces?service=…&operation=…&limit=…&lookback=1h&start=…&end=…&minDuration=…&maxDuration=…&tags={…}&traceID=…`. */
export function findTraces(store: TraceStore, params: URLSearchParams, nowMs: number): JaegerAnswer<JaegerTrace> {
  const ids = params.getAll("traceID");
  if (ids.length > 0) return answer(named(store, ids));
  return answer(store.find(queryOf(params, nowMs)).map(jaegerTrace));
}

function named(store: TraceStore, ids: readonly string[]): JaegerTrace[] {
  return ids.flatMap((id) => {
    const trace = store.trace(id);
    return trace === undefined ? [] : [jaegerTrace(trace)];
  });
}

export function services(store: TraceStore): JaegerAnswer<string> {
  return answer(store.services());
}

export function operations(store: TraceStore, service: string): JaegerAnswer<string> {
  return answer(store.operations(service));
}

function queryOf(params: URLSearchParams, nowMs: number): TraceQuery {
  const text = (name: string): string | undefined => params.get(name) || undefined;
  const lookback = text("lookback");
  const start = number(params, "start");
  const wide = lookback === undefined || lookback === "custom" ? undefined : durationUs("lookback", lookback);
  const least = text("minDuration");
  const most = text("maxDuration");
  const limit = number(params, "limit");
  if (limit !== undefined && (limit < 1 || limit > 1500)) throw new BadQuery("limit: expected 1 to 1500");
  return {
    service: text("service"),
    operation: text("operation"),
    startUs: start ?? (wide === undefined ? undefined : nowMs * 1000 - wide),
    endUs: number(params, "end"),
    minDurationUs: least === undefined ? undefined : durationUs("minDuration", least),
    maxDurationUs: most === undefined ? undefined : durationUs("maxDuration", most),
    tags: tagsOf(text("tags")),
    limit,
  };
}

function number(params: URLSearchParams, name: string): number | undefined {
  const text = params.get(name);
  if (text === null || text === "") return undefined;
  const value = Number(text);
  if (!Number.isFinite(value)) throw new BadQuery(`${name}: expected a number, found ${text}`);
  return value;
}

const UNITS: Readonly<Record<string, number>> = { us: 1, µs: 1, ms: 1e3, s: 1e6, m: 6e7, h: 3.6e9, d: 8.64e10 };

function durationUs(name: string, text: string): number {
  const [, value = "", unit = ""] = /^([0-9.]+)(us|µs|ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = UNITS[unit];
  if (factor === undefined || Number.isNaN(Number(value)))
    throw new BadQuery(`${name}: expected a duration such as 100ms or 1h, found ${text}`);
  return Number(value) * factor;
}

/** A JSON object of text. */
function tagsOf(text: string | undefined): [string, string][] {
  if (text === undefined) return [];
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null)
      return Object.entries(value).map(([key, tag]) => [key, String(tag)]);
  } catch {
    // Said below.
  }
  throw new BadQuery(`tags: expected an object such as {"error":"true"}`);
}

function jaegerTrace(trace: readonly StoredSpan[]): JaegerTrace {
  const processes: Record<string, { serviceName: string; tags: [] }> = {};
  const ids = new Map<string, string>();
  const processOf = (service: string): string => {
    let id = ids.get(service);
    if (id === undefined) {
      id = `p${ids.size + 1}`;
      ids.set(service, id);
      processes[id] = { serviceName: service, tags: [] };
    }
    return id;
  };
  const traceID = trace[0]?.traceId ?? "";
  const spans = [...trace]
    .sort((a, b) => a.startUs - b.startUs)
    .map((span): JaegerSpan => {
      const tags = span.kind === "" ? span.tags : [...span.tags, ["span.kind", span.kind] as const];
      return {
        traceID,
        spanID: span.spanId,
        operationName: span.name,
        references: span.parentId === "" ? [] : [{ refType: "CHILD_OF", traceID, spanID: span.parentId }],
        startTime: span.startUs,
        duration: span.durationUs,
        tags: tags.map(([key, value]) => ({ key, type: "string", value })),
        logs: [],
        processID: processOf(span.service),
        warnings: null,
      };
    });
  return { traceID, spans, processes, warnings: null };
}
