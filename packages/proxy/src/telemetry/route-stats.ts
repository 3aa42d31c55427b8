// Hot path: once per request.

import {
  at,
  type Counter,
  type CounterFamily,
  type Histogram,
  type HistogramFamily,
  listOf,
  type MetricsRegistry,
  numberOf,
} from "@heddle/std";
import { actionsOf, type MatchTree } from "../config/matcher/match-tree.ts";
import type { ExchangeRecord } from "../http/exchange-record.ts";
import type { CompiledRoute } from "../router/route-table.ts";
import { LINKERD_BOUNDS_MS } from "./linkerd-families.ts";

/** Requests by route, under the names of linkerd2-proxy; Istio's standard metrics don't know routes. Source: linkerd2-proxy `metrics.rs`. */
export interface RouteFamilies {
  readonly requests: CounterFamily;
  readonly responses: CounterFamily;
  readonly tries: CounterFamily;
  readonly triesAnswered: CounterFamily;
  readonly latency: HistogramFamily;
  readonly retryable: CounterFamily;
}

/** What a route without a name of its own is called in xDS. */
const UNNAMED = "default";

export function registerRouteFamilies(registry: MetricsRegistry): RouteFamilies {
  const labels = ["direction", "dst", "rt_route"];
  return {
    requests: registry.counter({ name: "route_request_total", help: "Requests by route.", labels }),
    responses: registry.counter({
      name: "route_response_total",
      help: "Responses by route.",
      labels: [...labels, "status_code", "classification"],
    }),
    tries: registry.counter({ name: "route_actual_request_total", help: "Requests by route, retries too.", labels }),
    triesAnswered: registry.counter({
      name: "route_actual_response_total",
      help: "Responses by route, those that were followed by a retry too.",
      labels: [...labels, "status_code", "classification"],
    }),
    retryable: registry.counter({
      name: "route_retryable_total",
      help: "Retries by route.",
      labels: [...labels, "skipped"],
    }),
    latency: registry.histogram(
      { name: "route_response_latency_ms", help: "Latency by route.", labels },
      LINKERD_BOUNDS_MS,
    ),
  };
}

/** What one route counts for; undefined where its host has no named route. */
interface RouteSeries {
  readonly labels: readonly [direction: string, dst: string, route: string];
  readonly requests: Counter;
  readonly tries: Counter;
  readonly latency: Histogram;
  /** By status and classification. */
  readonly responses: Map<number, { readonly asked: Counter; readonly tried: Counter }>;
  readonly classes: readonly StatusClass[];
}

/** What a route takes for a failure otherwise than usually: of a ServiceProfile's `responseClasses`. */
interface StatusClass {
  readonly min: number;
  readonly max: number;
  readonly failure: boolean;
}

/** What counting by route reads of an exchange that is over. */
export interface RoutedExchange
  extends Pick<ExchangeRecord, "status" | "grpc" | "grpcStatus" | "attempts" | "startMs" | "endMs"> {
  readonly failedTries: readonly { readonly status: number }[];
  readonly connection: Pick<ExchangeRecord["connection"], "direction">;
  readonly route: RouteIdentity | undefined;
}

type Named = readonly Pick<CompiledRoute["route"], "name">[];

interface RouteIdentity {
  readonly route: Pick<CompiledRoute["route"], "name" | "metadata">;
  readonly host: {
    readonly name: string;
    readonly routes: Named;
    /** Leads to routes instead. */
    readonly tree?: MatchTree<Named> | undefined;
  };
}

const NO_CLASSES: readonly StatusClass[] = [];

/** Where the control plane writes them. */
function classesOf(route: RouteIdentity): readonly StatusClass[] {
  const found = listOf(at(route.route.metadata?.["heddle.route"], "statusClasses"));
  if (found.length === 0) return NO_CLASSES;
  return found.map((one) => ({
    min: numberOf(at(one, "min")),
    max: numberOf(at(one, "max")),
    failure: at(one, "failure") === true,
  }));
}

function isFailure(record: RoutedExchange, classes: readonly StatusClass[]): boolean {
  const { status } = record;
  for (let i = 0; i < classes.length; i++) {
    const one = classes[i];
    if (one !== undefined && status >= one.min && status <= one.max) return one.failure;
  }
  return status === 0 || status >= 500 || (record.grpc && record.grpcStatus > 0);
}

/** An observer of exchanges; connections without requests have no routes. */
export interface RouteStats {
  onExchangeDone(record: RoutedExchange): void;
  onTcpOpened(): void;
  onTcpProgress(): void;
  onTcpDone(): void;
}

class Counting implements RouteStats {
  readonly #families: RouteFamilies;
  #series = new WeakMap<RouteIdentity, RouteSeries | null>();

  constructor(families: RouteFamilies) {
    this.#families = families;
  }

  onExchangeDone(record: RoutedExchange): void {
    const { route } = record;
    if (route === undefined) return;
    let series = this.#series.get(route);
    if (series === undefined) {
      series = this.#make(route, record.connection.direction);
      this.#series.set(route, series);
    }
    if (series === null) return;
    series.requests.value++;
    if (record.attempts > 1) this.#countRetries(record, series);
    series.tries.value += record.attempts > 0 ? record.attempts : 1;
    series.latency.observe(record.endMs - record.startMs);
    const failed = isFailure(record, series.classes);
    const key = failed ? -record.status - 1 : record.status;
    let responses = series.responses.get(key);
    if (responses === undefined) {
      const { responses: asked, triesAnswered } = this.#families;
      const values = [...series.labels, String(record.status), failed ? "failure" : "success"];
      responses = { asked: asked.with(...values), tried: triesAnswered.with(...values) };
      series.responses.set(key, responses);
    }
    responses.asked.value++;
    responses.tried.value++;
  }

  /** What was followed by another try failed, whatever it was called. */
  #countRetries({ attempts, failedTries }: RoutedExchange, { labels }: RouteSeries): void {
    this.#families.retryable.with(...labels, "").value += attempts - 1;
    for (const { status } of failedTries)
      if (status > 0) this.#families.triesAnswered.with(...labels, String(status), "failure").value++;
  }

  onTcpOpened(): void {}
  onTcpProgress(): void {}
  onTcpDone(): void {}

  /** Only hosts whose routes somebody named: their number is bounded by the configuration. */
  #make(route: RouteIdentity, direction: string): RouteSeries | null {
    const { routes, tree } = route.host;
    const own = tree === undefined ? routes : [...actionsOf(tree)].flat();
    if (own.every(({ name }) => isUnnamed(name))) return null;
    const { name } = route.route;
    const labels = [direction, route.host.name, isUnnamed(name) ? "" : name] as const;
    return {
      labels,
      requests: this.#families.requests.with(...labels),
      tries: this.#families.tries.with(...labels),
      latency: this.#families.latency.with(...labels),
      responses: new Map(),
      classes: classesOf(route),
    };
  }
}

function isUnnamed(name: string): boolean {
  return name === "" || name === UNNAMED || name === "allow_any" || name === "block_all";
}

/** Counts requests of named routes. */
export function createRouteStats(families: RouteFamilies): RouteStats {
  return new Counting(families);
}
