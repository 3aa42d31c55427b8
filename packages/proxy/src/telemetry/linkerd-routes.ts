// Hot path: once per outbound request, where this dialect is asked for.

import {
  at,
  type Counter,
  type CounterFamily,
  GRPC_CODES,
  type Histogram,
  listOf,
  type MetricsRegistry,
  textOf,
} from "@heddle/std";
import type { ClusterConfig } from "../config/cluster.ts";
import type { ExchangeRecord } from "../http/exchange-record.ts";
import type { CompiledRoute } from "../router/route-table.ts";
import type { Forgotten, SeriesGroup } from "./idle-series.ts";

const PARENT = ["group", "kind", "namespace", "name", "port", "section_name"].map((part) => `parent_${part}`);
const ROUTE = ["group", "kind", "namespace", "name"].map((part) => `route_${part}`);
const BACKEND = ["group", "kind", "namespace", "name", "port", "section_name"].map((part) => `backend_${part}`);

/** Upper bounds. Units: s. Source: linkerd2-proxy, `outbound_http_route_request_duration_seconds`. */
const BOUNDS: readonly number[] = [0.05, 0.5, 1, 10];

/** Requests by the route that was taken and its backend. Source: linkerd2-proxy `outbound/http/policy`, 2.16 and later. */
export interface LinkerdRouteFamilies {
  readonly http: RouteKindFamilies;
  readonly grpc: RouteKindFamilies;
  readonly forgotten: Forgotten;
}

type RouteKindFamilies = ReturnType<typeof familiesOf>;

function familiesOf(registry: MetricsRegistry, protocol: "http" | "grpc") {
  const status = `${protocol}_status`;
  const counter = (name: string, help: string, labels: readonly string[]): CounterFamily =>
    registry.counter({ name: `outbound_${protocol}_route_${name}`, help, labels });
  return {
    statuses: counter("request_statuses_total", "Completed requests.", [...PARENT, ...ROUTE, status, "error"]),
    durations: registry.histogram(
      {
        name: `outbound_${protocol}_route_request_duration_seconds`,
        help: "Time between the request's head and the response's end.",
        labels: [...PARENT, ...ROUTE],
      },
      BOUNDS,
    ),
    retries: counter("retry_requests_total", "Retries.", [...PARENT, ...ROUTE]),
    backendRequests: counter("backend_requests_total", "Requests to a backend.", [...PARENT, ...ROUTE, ...BACKEND]),
    backendStatuses: counter("backend_response_statuses_total", "Responses of a backend.", [
      ...PARENT,
      ...ROUTE,
      ...BACKEND,
      status,
      "error",
    ]),
  };
}

export function registerLinkerdRoutes(registry: MetricsRegistry, forgotten: Forgotten): LinkerdRouteFamilies {
  return { http: familiesOf(registry, "http"), grpc: familiesOf(registry, "grpc"), forgotten };
}

export function linkerdRouteGroups({ http, grpc }: LinkerdRouteFamilies): readonly SeriesGroup[] {
  return [http, grpc].flatMap((families) => Object.values(families).map((family) => ({ families: [family] })));
}

/** What is read of an exchange that is over. */
export interface RoutedRequest
  extends Pick<
    ExchangeRecord,
    "clusterName" | "status" | "grpc" | "grpcStatus" | "attempts" | "flags" | "startMs" | "endMs"
  > {
  readonly connection: Pick<ExchangeRecord["connection"], "direction">;
  readonly cluster: { readonly config: Pick<ClusterConfig, "services"> } | undefined;
  readonly route:
    | { readonly route: Pick<CompiledRoute["route"], "metadata">; readonly host: { readonly name: string } }
    | undefined;
}

interface Series {
  readonly statuses: Counter;
  readonly durations: Histogram;
  readonly retries: Counter | undefined;
  readonly backendRequests: Counter;
  readonly backendStatuses: Counter;
}

/** Remembered combinations, as in linkerd-stats.ts. */
const MAX_REMEMBERED = 10_000;

/** Counts requests to services of the mesh: their number bounds that of the series. */
export interface LinkerdRoutes {
  onExchangeDone(record: RoutedRequest): void;
  onTcpOpened(): void;
  onTcpProgress(): void;
  onTcpDone(): void;
}

class Counting implements LinkerdRoutes {
  readonly #families: LinkerdRouteFamilies;
  readonly #series = new Map<string, Series>();
  readonly #routes = new WeakMap<object, readonly string[]>();
  #forgotten = 0;

  constructor(families: LinkerdRouteFamilies) {
    this.#families = families;
  }

  onExchangeDone(record: RoutedRequest): void {
    const service = record.cluster?.config.services[0];
    if (record.connection.direction !== "outbound" || record.route === undefined || service === undefined) return;
    const series = this.#of(record, record.route, service);
    series.statuses.value++;
    series.durations.observe((record.endMs - record.startMs) / 1000);
    if (series.retries !== undefined) series.retries.value += record.attempts - 1;
    series.backendRequests.value += record.attempts;
    // How tries that were followed by another were answered is in route_actual_response_total.
    series.backendStatuses.value++;
  }

  onTcpOpened(): void {}
  onTcpProgress(): void {}
  onTcpDone(): void {}

  #of(record: RoutedRequest, route: NonNullable<RoutedRequest["route"]>, service: Service): Series {
    const { forgotten } = this.#families;
    if (this.#forgotten !== forgotten.times || this.#series.size >= MAX_REMEMBERED) {
      this.#forgotten = forgotten.times;
      this.#series.clear();
    }
    const labels = this.#labelsOf(route, service);
    const key = `${labels.join("|")}|${record.clusterName}|${record.grpc}|${record.grpc ? record.grpcStatus : record.status}|${
      record.attempts > 1
    }|${errorOf(record)}`;
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const families = record.grpc ? this.#families.grpc : this.#families.http;
    const code = record.grpc ? (GRPC_CODES[record.grpcStatus] ?? "UNKNOWN") : String(record.status || "");
    const port = record.clusterName.split("|")[1] ?? "";
    const toBackend = [...labels, "core", "Service", service.namespace, service.name, port, ""];
    const made: Series = {
      statuses: families.statuses.with(...labels, code, errorOf(record)),
      durations: families.durations.with(...labels),
      retries: record.attempts > 1 ? families.retries.with(...labels) : undefined,
      backendRequests: families.backendRequests.with(...toBackend),
      backendStatuses: families.backendStatuses.with(...toBackend, code, errorOf(record)),
    };
    this.#series.set(key, made);
    return made;
  }

  /** The Service that was called, and the resource that decided the route. */
  #labelsOf(route: NonNullable<RoutedRequest["route"]>, service: Service): readonly string[] {
    const known = this.#routes.get(route);
    if (known !== undefined) return known;
    const sources = listOf(at(route.route.metadata?.["heddle"], "sources"));
    const decided = sources.find((source) => textOf(at(source, "kind")) !== "Service");
    const labels = [
      ...parentOf(route.host.name, service),
      ...(decided === undefined
        ? UNDECIDED
        : ["group", "kind", "namespace", "name"].map((part) => textOf(at(decided, part)))),
    ];
    this.#routes.set(route, labels);
    return labels;
  }
}

type Service = ClusterConfig["services"][number];

/** What Linkerd calls the route of a Service without routes. */
const UNDECIDED: readonly string[] = ["", "default", "", "http"];

function parentOf(virtualHost: string, service: Service): readonly string[] {
  const colon = virtualHost.lastIndexOf(":");
  const [host, port] = [virtualHost.slice(0, colon), virtualHost.slice(colon + 1)];
  const [name = "", namespace = "", kind] = host.split(".");
  if (kind === "svc") return ["core", "Service", namespace, name, port, ""];
  return ["networking.istio.io", "ServiceEntry", service.namespace, host, port, ""];
}

/** Linkerd's words for what a proxy answered itself. */
function errorOf({ flags }: RoutedRequest): string {
  if (flags === "-") return "";
  if (flags.includes("UT")) return "REQUEST_TIMEOUT";
  if (flags.includes("UO")) return "FAIL_FAST";
  return flags.includes("UF") || flags.includes("UH") || flags.includes("UC") ? "UNKNOWN" : "";
}

export function createLinkerdRoutes(families: LinkerdRouteFamilies): LinkerdRoutes {
  return new Counting(families);
}
