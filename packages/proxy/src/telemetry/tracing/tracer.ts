// Hot path: once per request where tracing is configured; nothing runs elsewhere.
import { HEADER_ID, type HeaderList } from "@heddle/wire";
import type { TracingConfig } from "../../config/tracing.ts";
import type { ExchangeObserver, RequestTracer } from "../../http/connection-manager.ts";
import type { ExchangeRecord } from "../../http/exchange-record.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Host } from "../../upstream/host.ts";
import { customTags } from "../custom-tags.ts";
import type { ActiveSpan, SpanData, TrySpan } from "./span.ts";
import { commonTags, failed, requestTags, tryTags } from "./span-tags.ts";
import {
  createTraceIds,
  readTraceContext,
  type TraceContext,
  type TraceIds,
  W3C,
  writeTraceContext,
} from "./trace-context.ts";
import { decideTrace, type TraceReason } from "./trace-decision.ts";

const TRACESTATE = HEADER_ID.tracestate;
const DECORATOR_OPERATION = HEADER_ID["x-envoy-decorator-operation"];

export interface TracerDeps {
  readonly config: TracingConfig;
  readonly kind: "opentelemetry" | "zipkin";
  /** Forms of context that the provider writes beside those that the request came with. */
  readonly forms: number;
  /** Every request that begins a trace is recorded. */
  readonly alwaysOn: boolean;
  /** Units: hexadecimal digits of new trace ids. */
  readonly longIds: boolean;
  readonly sharedContext: boolean;
  readonly direction: "inbound" | "outbound" | "unspecified";
  readonly node: { readonly id: string };
  readonly random: () => number;
  readonly runtime: Runtime;
  monotonic(): number;
  env(name: string): string | undefined;
  count(name: string): void;
  export(span: SpanData): void;
}

/** Names of Envoy's counters. */
const COUNTED: Readonly<Record<TraceReason, string>> = {
  not_traceable: "tracing.not_traceable",
  random_sampling: "tracing.random_sampling",
  service_forced: "tracing.service_forced",
  client_enabled: "tracing.client_enabled",
};

class Tracer implements RequestTracer, ExchangeObserver {
  readonly #deps: TracerDeps;
  readonly #forms: number;
  readonly #ingress: boolean;
  readonly #ids: TraceIds;

  constructor(deps: TracerDeps) {
    this.#deps = deps;
    this.#ids = createTraceIds(deps.random);
    this.#forms = deps.forms;
    this.#ingress = deps.direction !== "outbound";
  }

  begin(record: ExchangeRecord): ActiveSpan | undefined {
    const { config, random, runtime, alwaysOn, count } = this.#deps;
    const { headers } = record.request;
    this.#nameRequest(record, headers);
    const sampling = record.route?.route.tracing?.sampling ?? config.sampling;
    const reason = decideTrace(headers, sampling, config.requestId, random, runtime);
    count(COUNTED[reason]);
    const context = readTraceContext(headers);
    const sampled = context?.sampled ?? (alwaysOn || reason !== "not_traceable");
    if (context === undefined || context.traceId === "") return this.#beginTrace(headers, sampled, context?.forms ?? 0);
    // What is not recorded here keeps its place in the trace.
    if (!sampled) return undefined;
    // The server's side of the client's span, unless both are told apart.
    const shared = this.#deps.sharedContext && this.#ingress && !config.spawnUpstream && (context.forms & W3C) === 0;
    if (shared)
      return this.#span(context.traceId, context.spanId, context.parentId, true, headers, context.forms | this.#forms);
    return this.#enter(context, headers);
  }

  /** Source: Envoy: who calls tells the called one how to name its span, unless that has a name of its own to tell. */
  #nameRequest(record: ExchangeRecord, headers: HeaderList): void {
    if (this.#ingress) {
      const told = headers.getId(DECORATOR_OPERATION);
      if (told === undefined) return;
      headers.removeId(DECORATOR_OPERATION);
      if (told !== "") record.spanName = told;
      return;
    }
    const name = record.route?.route.toldOperation ?? "";
    if (name !== "") headers.setId(DECORATOR_OPERATION, name);
  }

  answer(record: ExchangeRecord, headers: HeaderList): void {
    if (this.#ingress) {
      const name = record.spanName === undefined ? (record.route?.route.toldOperation ?? "") : "";
      if (name !== "") headers.setId(DECORATOR_OPERATION, name);
      return;
    }
    const told = headers.getId(DECORATOR_OPERATION);
    if (told === undefined) return;
    headers.removeId(DECORATOR_OPERATION);
    if (told !== "") record.spanName = told;
  }

  #enter(context: TraceContext, headers: HeaderList): ActiveSpan {
    return this.#span(context.traceId, this.#ids.next(), context.spanId, false, headers, context.forms | this.#forms);
  }

  #beginTrace(headers: HeaderList, sampled: boolean, forms: number): ActiveSpan | undefined {
    const { longIds } = this.#deps;
    const low = this.#ids.next();
    const traceId = longIds ? this.#ids.next() + low : low;
    const spanId = longIds ? this.#ids.next() : low;
    if (sampled) return this.#span(traceId, spanId, "", false, headers, forms | this.#forms);
    // Tells those behind us that nothing is recorded.
    this.#write(headers, { traceId, spanId, parentId: "", sampled: false }, forms | this.#forms);
    return undefined;
  }

  #span(
    traceId: string,
    spanId: string,
    parentId: string,
    shared: boolean,
    headers: HeaderList,
    forms: number,
  ): ActiveSpan {
    this.#write(headers, { traceId, spanId, parentId, sampled: true }, forms);
    const traceState = headers.getId(TRACESTATE) ?? "";
    const { spawnUpstream, propagates } = this.#deps.config;
    return new Recording(
      traceId,
      spanId,
      parentId,
      shared,
      traceState,
      propagates ? forms : 0,
      spawnUpstream ? { ids: this.#ids, monotonic: this.#deps.monotonic } : undefined,
    );
  }

  #write(headers: HeaderList, context: Omit<TraceContext, "forms">, forms: number): void {
    if (this.#deps.config.propagates) writeTraceContext(headers, context, forms);
  }

  /** Source: Envoy's drivers, each of which names spans in its own way. */
  #plainName(authority: string): string {
    if (this.#deps.kind === "zipkin") return authority;
    return this.#ingress ? "ingress" : `egress ${authority}`;
  }

  onExchangeDone(record: ExchangeRecord): void {
    const { span } = record;
    if (span === undefined) return;
    const { config, node, direction } = this.#deps;
    const own = record.route?.route.tracing?.tags;
    const extra = customTags(own === undefined ? config.tags : [...config.tags, ...own], record, this.#deps.env);
    const { traceId, traceState, tries } = span;
    const operation = record.spanName ?? record.route?.route.operation ?? "";
    const name = operation === "" ? this.#plainName(record.request.authority) : operation;
    const shared = {
      traceId,
      traceState,
      failed: failed(record),
      local: direction === "outbound" ? "" : record.connection.localText,
    };
    this.#deps.export({
      ...shared,
      spanId: span.spanId,
      parentId: span.parentId,
      shared: span.shared,
      name,
      kind: tries !== undefined || this.#ingress ? "server" : "client",
      startMs: record.startTime,
      endMs: record.startTime + Math.max(0, record.endMs - record.startMs),
      tags: [...requestTags(record, node, config.maxPathLength), ...extra],
    });
    if (tries === undefined) return;
    for (const one of tries) {
      const endMs = one.endMs < 0 ? record.endMs : one.endMs;
      this.#deps.export({
        ...shared,
        spanId: one.spanId,
        parentId: span.spanId,
        shared: false,
        name: `router ${record.clusterName} egress`,
        kind: "client",
        startMs: record.startTime + one.startMs - record.startMs,
        endMs: record.startTime + endMs - record.startMs,
        tags: [...commonTags(record), ...tryTags(record, one.host), ...extra],
      });
    }
  }
}

/** What tries' spans are made with. */
interface TrySource {
  readonly ids: TraceIds;
  monotonic(): number;
}

class Recording implements ActiveSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly shared: boolean;
  readonly traceState: string;
  readonly tries: TrySpan[] | undefined;
  readonly #forms: number;
  readonly #deps: TrySource | undefined;

  constructor(
    traceId: string,
    spanId: string,
    parentId: string,
    shared: boolean,
    traceState: string,
    forms: number,
    spawnsWith: TrySource | undefined,
  ) {
    this.traceId = traceId;
    this.spanId = spanId;
    this.parentId = parentId;
    this.shared = shared;
    this.traceState = traceState;
    this.tries = spawnsWith === undefined ? undefined : [];
    this.#forms = forms;
    this.#deps = spawnsWith;
  }

  beforeTry(headers: HeaderList, host: Host): void {
    const { tries } = this;
    if (tries === undefined || this.#deps === undefined) return;
    const now = this.#deps.monotonic();
    const last = tries[tries.length - 1];
    if (last !== undefined) last.endMs = now;
    const spanId = this.#deps.ids.next();
    tries.push({ spanId, host, startMs: now, endMs: -1 });
    writeTraceContext(headers, { traceId: this.traceId, spanId, parentId: this.spanId, sampled: true }, this.#forms);
  }
}

/** Begins spans for requests, and hands them over when they are done. */
export function createTracer(deps: TracerDeps): RequestTracer & ExchangeObserver {
  return new Tracer(deps);
}
