import type { ListenerConfig } from "../../config/listener.ts";
import type { OpenTelemetryTraces, TraceProvider } from "../../config/trace-provider.ts";
import type { TracingConfig } from "../../config/tracing.ts";
import type { ExchangeObserver, RequestTracer } from "../../http/connection-manager.ts";
import type { ObserverSurroundings } from "../../proxy.ts";
import { createOtlpFormat } from "./otlp-format.ts";
import { createSpanExporter, type SpanExporter, type SpanFormat } from "./span-exporter.ts";
import { B3_MULTI, W3C } from "./trace-context.ts";
import { createTracer } from "./tracer.ts";
import { createZipkinFormat } from "./zipkin-format.ts";

/** Makes tracers; those with one provider share its queue. */
export interface Tracers {
  /** Undefined: there is no provider. `count`: of the connection manager. */
  create(
    config: TracingConfig,
    direction: ListenerConfig["direction"],
    around: ObserverSurroundings,
    count: (name: string) => void,
  ): (RequestTracer & ExchangeObserver) | undefined;
}

export interface TracersDeps {
  /** The bootstrap's provider, for connection managers without their own. */
  readonly fallback: TraceProvider | undefined;
  env(name: string): string | undefined;
}

export function createTracers(deps: TracersDeps): Tracers {
  const exporters = new Map<string, SpanExporter | undefined>();
  const exporterOf = (provider: TraceProvider, around: ObserverSurroundings): SpanExporter | undefined => {
    const key = JSON.stringify(provider);
    if (!exporters.has(key)) {
      const format = formatOf(provider, around, deps.env);
      exporters.set(key, format && createSpanExporter({ ...around, format }));
    }
    return exporters.get(key);
  };
  return {
    create: (config, direction, around, count) => {
      const provider = config.provider ?? deps.fallback;
      if (provider === undefined) return undefined;
      const exporter = exporterOf(provider, around);
      return createTracer({
        config,
        kind: provider.kind,
        forms: provider.kind === "opentelemetry" ? W3C : provider.w3c ? B3_MULTI | W3C : B3_MULTI,
        alwaysOn: provider.kind === "opentelemetry" && provider.alwaysOn,
        longIds: provider.kind === "opentelemetry" || provider.longIds,
        sharedContext: provider.kind === "zipkin" && provider.sharedContext,
        direction,
        node: around.node,
        random: around.random,
        runtime: around.runtime,
        monotonic: () => around.clock.monotonic(),
        env: deps.env,
        count,
        export: (span) => exporter?.add(span),
      });
    },
  };
}

function formatOf(
  provider: TraceProvider,
  { node }: ObserverSurroundings,
  env: (name: string) => string | undefined,
): SpanFormat | undefined {
  if (provider.kind === "zipkin") return createZipkinFormat(provider, node.cluster === "" ? "heddle" : node.cluster);
  return provider.target && createOtlpFormat(provider.target, resourceOf(provider, env));
}

/** Later ones win: what stands in the environment, what is configured, the service's name. */
function resourceOf(
  provider: OpenTelemetryTraces,
  env: (name: string) => string | undefined,
): readonly (readonly [string, string])[] {
  const all: Record<string, string> = {
    "telemetry.sdk.language": "nodejs",
    "telemetry.sdk.name": "heddle",
    ...(provider.fromEnvironment ? readAttributes(env("OTEL_RESOURCE_ATTRIBUTES") ?? "") : {}),
    ...provider.resource,
    "service.name": provider.serviceName,
  };
  return Object.entries(all);
}

/** `key=value,key=value`, percent-encoded. Source: OpenTelemetry's resource SDK. */
function readAttributes(text: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const part of text.split(",")) {
    const at = part.indexOf("=");
    if (at <= 0) continue;
    const value = part.slice(at + 1).trim();
    out[part.slice(0, at).trim()] = /%(?![0-9a-f]{2})/i.test(value) ? value : decodeURIComponent(value);
  }
  return out;
}
