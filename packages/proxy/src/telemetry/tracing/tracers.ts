import type { ListenerConfig } from "../../config/listener.ts";
import type { OpenTelemetryTraces, TraceProvider } from "../../config/trace-provider.ts";
import type { TracingConfig } from "../../config/tracing.ts";
import type { ExchangeObserver, RequestTracer } from "../../http/connection-manager.ts";
import type { ObserverSurroundings } from "../../proxy.ts";
import { createOtlpFormat } from "./otlp-format.ts";
import { detectedResource } from "./otlp-resource.ts";
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

/** The service's name wins. */
function resourceOf(
  provider: OpenTelemetryTraces,
  env: (name: string) => string | undefined,
): readonly (readonly [string, string])[] {
  return Object.entries({
    ...Object.fromEntries(detectedResource(provider, env)),
    "service.name": provider.serviceName,
  });
}
