import type { ExtensionProvider, StringMap } from "@heddle/config";
import type { MeshState } from "./state.ts";
import { meant, telemetryLevels, type WorkloadMode } from "./telemetry-levels.ts";

/** A service that takes spans or log entries. */
export interface CollectorService {
  readonly hostname: string;
  readonly port: number;
}

export type TraceTag =
  | { readonly kind: "literal" | "formatter"; readonly text: string }
  | { readonly kind: "environment" | "header"; readonly name: string; readonly fallback: string };

/** Spans that a workload's proxy records in one direction. */
export interface Tracing {
  readonly provider:
    | {
        readonly kind: "opentelemetry";
        readonly service: CollectorService;
        readonly settings: NonNullable<ExtensionProvider["opentelemetry"]>;
      }
    | {
        readonly kind: "zipkin";
        readonly service: CollectorService;
        readonly path: string;
        readonly shortIds: boolean;
        readonly settings: NonNullable<ExtensionProvider["zipkin"]> | undefined;
      };
  /** Units: percent. Default: 1, as Istio's. */
  readonly samplingPercent: number;
  readonly useRequestId: boolean;
  readonly maxTagLength: number | undefined;
  /** By tag name. */
  readonly tags: Readonly<Record<string, TraceTag>>;
  /** `<canonical name>.<namespace>`, or by OpenTelemetry's conventions. */
  readonly serviceName: string;
  /** Further attributes of the spans' resource. */
  readonly resource: StringMap;
  /** Spans are reported, but requests carry no trace headers that this proxy made. */
  readonly withoutContext: boolean;
}

type Entry = ReturnType<typeof telemetryLevels>[number][number]["spec"]["tracing"][number];

/** Whether any proxy may record spans: then what it is told names its own workload. */
export function mayTrace(state: MeshState): boolean {
  const { mesh } = state.settings;
  if (!mesh.enableTracing) return false;
  if (mesh.defaultConfig.tracing?.zipkin !== undefined || (mesh.defaultProviders?.tracing.length ?? 0) > 0) return true;
  return [...state.objects.telemetries.values()].some(({ spec }) => spec.tracing.length > 0);
}

/**
 * What the nearest Telemetry says wins, field by field; the provider is its, or the MeshConfig's default. Undefined: no spans, also when
 * the provider's service does not exist. Source: istio pilot/pkg/model/telemetry.go.
 */
export function effectiveTracing(
  state: MeshState,
  namespace: string,
  labels: StringMap,
  mode: WorkloadMode,
): Tracing | undefined {
  const { mesh } = state.settings;
  if (!mayTrace(state)) return undefined;
  const entries = telemetryLevels(state, namespace, labels).flatMap((level): Entry[] => {
    const found = level.flatMap(({ spec }) => spec.tracing).find((entry) => meant(mode, entry));
    return found === undefined ? [] : [found];
  });
  const first = <T>(pick: (entry: Entry) => T | undefined): T | undefined =>
    entries.map(pick).find((value) => value !== undefined);
  if (first((entry) => entry.disableSpanReporting) === true) return undefined;
  const name = first((entry) => entry.providers[0]?.name) ?? mesh.defaultProviders?.tracing[0];
  const legacy = mesh.defaultConfig.tracing;
  const provider = name === undefined ? legacyProvider(state) : namedProvider(state, name);
  if (provider === undefined) return undefined;
  const named = mesh.extensionProviders.find((one) => one.name === name);
  const own =
    labels["service.istio.io/canonical-name"] ?? labels["app.kubernetes.io/name"] ?? labels["app"] ?? "unknown";
  const tags: Record<string, TraceTag> = {};
  if (first((entry) => entry.enableIstioTags) ?? legacy?.enableIstioTags ?? true) {
    const revision =
      labels["service.istio.io/canonical-revision"] ??
      labels["app.kubernetes.io/version"] ??
      labels["version"] ??
      "latest";
    Object.assign(tags, {
      "istio.canonical_service": { kind: "literal", text: own },
      "istio.canonical_revision": { kind: "literal", text: revision },
      "istio.mesh_id": { kind: "literal", text: mesh.defaultConfig.meshId ?? state.settings.trustDomain },
      "istio.namespace": { kind: "literal", text: namespace },
      "istio.cluster_id": { kind: "literal", text: state.settings.clusterId },
    } satisfies Record<string, TraceTag>);
  }
  for (const [tag, value] of Object.entries(first((entry) => nonEmpty(entry.customTags)) ?? {})) {
    const { literal, environment, header, formatter } = value;
    if (formatter !== undefined) tags[tag] = { kind: "formatter", text: formatter.value };
    else if (literal !== undefined) tags[tag] = { kind: "literal", text: literal.value };
    else if (environment !== undefined)
      tags[tag] = { kind: "environment", name: environment.name, fallback: environment.defaultValue ?? "" };
    else if (header !== undefined)
      tags[tag] = { kind: "header", name: header.name, fallback: header.defaultValue ?? "" };
  }
  return {
    provider,
    samplingPercent: first((entry) => entry.randomSamplingPercentage) ?? legacy?.sampling ?? 1,
    useRequestId: first((entry) => entry.useRequestIdForTraceSampling) ?? true,
    maxTagLength: named?.opentelemetry?.maxTagLength ?? named?.zipkin?.maxTagLength ?? legacy?.maxPathTagLength,
    tags,
    ...resourceOf(named, labels, own, namespace),
    withoutContext: first((entry) => entry.disableContextPropagation) ?? false,
  };
}

/** Source: OpenTelemetry's conventions for service attributes on Kubernetes, as far as labels tell. */
function resourceOf(
  provider: ExtensionProvider | undefined,
  labels: StringMap,
  own: string,
  namespace: string,
): Pick<Tracing, "serviceName" | "resource"> {
  if (provider?.opentelemetry?.serviceAttributeEnrichment !== "OTEL_SEMANTIC_CONVENTIONS")
    return { serviceName: `${own}.${namespace}`, resource: {} };
  const version = labels["app.kubernetes.io/version"] ?? labels["version"];
  return {
    serviceName: labels["app.kubernetes.io/instance"] ?? labels["app.kubernetes.io/name"] ?? own,
    resource: { "service.namespace": namespace, ...(version === undefined ? {} : { "service.version": version }) },
  };
}

function nonEmpty(tags: Entry["customTags"]): Entry["customTags"] | undefined {
  return Object.keys(tags).length === 0 ? undefined : tags;
}

function namedProvider(state: MeshState, name: string): Tracing["provider"] | undefined {
  const found = state.settings.mesh.extensionProviders.find((one) => one.name === name);
  const { opentelemetry, zipkin } = found ?? {};
  const asked = opentelemetry ?? zipkin;
  const service = asked && collectorService(state, asked.service, asked.port);
  if (service === undefined) return undefined;
  if (opentelemetry !== undefined) return { kind: "opentelemetry", service, settings: opentelemetry };
  return {
    kind: "zipkin",
    service,
    path: zipkin?.path ?? ZIPKIN_PATH,
    shortIds: zipkin?.enable64bitTraceId ?? false,
    settings: zipkin,
  };
}

const ZIPKIN_PATH = "/api/v2/spans";

/** `defaultConfig.tracing.zipkin.address`: `host:port`. */
function legacyProvider(state: MeshState): Tracing["provider"] | undefined {
  const address = state.settings.mesh.defaultConfig.tracing?.zipkin?.address;
  if (address === undefined) return undefined;
  const at = address.lastIndexOf(":");
  const port = at < 0 ? 9411 : Number(address.slice(at + 1));
  const service = collectorService(state, at < 0 ? address : address.slice(0, at), port);
  return service && { kind: "zipkin", service, path: ZIPKIN_PATH, shortIds: false, settings: undefined };
}

/** A service by `host`, `namespace/host` or `name.namespace`. Undefined: there is none. */
export function collectorService(state: MeshState, written: string, port: number): CollectorService | undefined {
  const host = written.slice(written.indexOf("/") + 1);
  const { domain } = state.settings;
  const hostname = [host, `${host}.svc.${domain}`, `${host}.${domain}`].find((name) => state.services.has(name));
  return hostname === undefined ? undefined : { hostname, port };
}

/** Services that providers name: proxies see them whatever their Sidecar says. */
export function providerHosts(state: MeshState): ReadonlySet<string> {
  const { mesh } = state.settings;
  const hosts = new Set<string>();
  for (const one of mesh.extensionProviders) {
    const asked = one.opentelemetry ?? one.zipkin ?? one.envoyHttpAls ?? one.envoyTcpAls ?? one.envoyOtelAls;
    const service = asked && collectorService(state, asked.service, asked.port);
    if (service !== undefined) hosts.add(service.hostname);
  }
  const legacy = legacyProvider(state);
  if (legacy !== undefined) hosts.add(legacy.service.hostname);
  return hosts;
}
