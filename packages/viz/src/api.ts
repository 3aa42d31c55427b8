import { requestUrl } from "@heddle/std/request-url";
import type { ConfigAnswer, GatewaysAnswer } from "./config-contract.ts";
import type { MeshAnswer, ProblemsAnswer } from "./dashboard-contract.ts";
import type { HostRefusal } from "./enforced-host.ts";
import type { Findings } from "./findings.ts";
import { type Inventory, withLabels } from "./inventory.ts";
import { PrometheusError } from "./prometheus/prometheus-client.ts";
import type { AskedSpan } from "./prometheus/prometheus-store.ts";
import { scrapeTargets } from "./prometheus/targets.ts";
import type { ConfigQuery } from "./proxy-config.ts";
import { authorityStat } from "./query/authority-stat.ts";
import { edges } from "./query/edges.ts";
import { graph, trafficRows } from "./query/graph.ts";
import { namespaceOf } from "./query/namespace.ts";
import { overview, type WindowQuery, workloadOf } from "./query/overview.ts";
import { refusedConnections } from "./query/pod-problems.ts";
import { problems } from "./query/problems.ts";
import { routes } from "./query/routes.ts";
import { stat } from "./query/stat.ts";
import { failuresOf, workload } from "./query/workload.ts";
import { BadQuery, kindOf, needed, restOfQuery, statQuery, windowOf, windowQuery } from "./query-params.ts";
import type { MetricStore } from "./store/store.ts";
import { findTraces, operations, services } from "./traces/jaeger-form.ts";
import type { TraceStore } from "./traces/trace-store.ts";

export interface ApiDeps {
  readonly store: MetricStore;
  /** Where a question's samples come from, when not from `store`. Errors: PrometheusError. */
  storeOf?(span: AskedSpan): Promise<MetricStore>;
  readonly inventory: Inventory;
  nowMs(): number;
  /** False until the first inventory is complete. */
  ready(): boolean;
  /** Scrapes that fail now, as sentences. */
  scrapeGaps(): readonly string[];
  mesh(): Promise<MeshAnswer>;
  /** Recent traces; undefined where none are received. */
  readonly traces?: TraceStore;
  /** Undefined where the control plane can't be asked. */
  readonly configuration?: ConfigurationAnswers;
  /** The dashboard's files; undefined where there is none of that name. */
  page: AskPage;
  /** Default: every name is answered. */
  readonly refusesHost?: HostRefusal;
}

/** Gives what is at a path that is none of the API's; undefined where nothing is. */
export type AskPage = (request: Request) => Response | undefined | Promise<Response | undefined>;

/** What the control plane knows of the configuration. */
export interface ConfigurationAnswers {
  /** What is wrong between the resources of the cluster. */
  findings(): Promise<Findings>;
  gateways(): Promise<GatewaysAnswer>;
  config(query: ConfigQuery): Promise<ConfigAnswer>;
}

type Endpoint = (params: URLSearchParams, deps: ApiDeps) => unknown;

/** Everything that can be asked; each answer carries the gaps of the scrapes too. */
const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  "/api/stat": (params, { store, inventory, nowMs }) => {
    const pods = selected(inventory, params.get("selector"));
    return params.get("kind") === "authority"
      ? authorityStat(restOfQuery(params), store, pods, nowMs())
      : stat(statQuery(params), store, pods, nowMs());
  },
  "/api/routes": (params, { store, inventory, nowMs }) => routes(statQuery(params), store, inventory, nowMs()),
  "/api/edges": (params, { store, inventory, nowMs }) => {
    const namespace = params.get("namespace");
    const kind = kindOf(params.get("kind") ?? "deployment");
    if (kind === "service") throw new BadQuery("edges are between workloads; ask for deployment, pod or namespace");
    return edges({ kind, windowMs: windowOf(params), ...(namespace ? { namespace } : {}) }, store, inventory, nowMs());
  },
  "/api/overview": (params, { store, inventory, nowMs }) => overview(windowQuery(params, nowMs()), store, inventory),
  "/api/graph": (params, { store, inventory, nowMs }) => graph(windowQuery(params, nowMs()), store, inventory),
  "/api/namespace": (params, { store, inventory, nowMs }) => {
    const namespace = needed(params, "namespace");
    const answer = namespaceOf({ ...windowQuery(params, nowMs()), namespace }, store, inventory);
    if (!answer) throw new BadQuery(`namespace ${namespace} has no pods now`);
    return answer;
  },
  "/api/workload": (params, { store, inventory, nowMs }) => {
    const [namespace, name] = [needed(params, "namespace"), needed(params, "name")];
    // Metrics name workloads without their kind: whoever follows such a name does not know it.
    const asked = kindOf(params.get("kind") ?? "deployment");
    const owner = inventory.pods().find((p) => p.namespace === namespace && workloadOf(p).name === name);
    const query = { ...windowQuery(params, nowMs()), namespace, name, kind: asked };
    const answer =
      workload(query, store, inventory) ??
      (owner && workload({ ...query, kind: workloadOf(owner).kind }, store, inventory));
    if (!answer) throw new BadQuery(`${query.kind}/${query.name} in namespace ${query.namespace} has no pods now`);
    return answer;
  },
  "/api/prometheus/targets": (params, { inventory }) =>
    scrapeTargets(inventory, params.get("job") === "control-plane" ? "control-plane" : "proxies"),
  "/api/traces": (params, deps) => findTraces(tracesOf(deps), params, deps.nowMs()),
  "/api/services": (_params, deps) => services(tracesOf(deps)),
  "/api/operations": (params, deps) => operations(tracesOf(deps), needed(params, "service")),
  "/api/mesh": (_params, { mesh }) => mesh(),
  "/api/gateways": (_params, deps) => configurationOf(deps).gateways(),
  "/api/config": (params, deps) =>
    configurationOf(deps).config({
      namespace: needed(params, "namespace"),
      name: needed(params, "name"),
      kind: kindOf(params.get("kind") ?? "deployment"),
    }),
  "/api/problems": (params, deps) => problemsNow(windowQuery(params, deps.nowMs()), deps),
};

function configurationOf({ configuration }: ApiDeps): ConfigurationAnswers {
  if (!configuration) throw new BadQuery("the control plane is not asked here; ask the metrics service in the cluster");
  return configuration;
}

function tracesOf({ traces }: ApiDeps): TraceStore {
  if (!traces) throw new BadQuery("no traces are received here; ask the metrics service in the cluster");
  return traces;
}

function selected(inventory: Inventory, selector: string | null): Inventory {
  return selector ? withLabels(inventory, selector) : inventory;
}

async function problemsNow(query: WindowQuery, deps: ApiDeps): Promise<ProblemsAnswer> {
  const { store, inventory } = deps;
  const [mesh, findings, gateways] = await Promise.all([
    deps.mesh(),
    deps.configuration?.findings(),
    deps.configuration?.gateways(),
  ]);
  const found = problems({
    workloads: overview(query, store, inventory).workloads,
    traffic: trafficRows(query, store, inventory),
    failures: failuresOf(query, store),
    mesh,
    findings: findings?.rows ?? [],
    ...(gateways ? { gateways } : {}),
    pods: inventory.pods(),
    refused: refusedConnections(query, store, inventory),
    scrapeGaps: deps.scrapeGaps(),
    timeMs: query.atMs,
  });
  const sinceMs = Number.isNaN(store.sinceMs) ? null : store.sinceMs;
  return { timeMs: query.atMs, sinceMs, problems: found, gaps: findings?.gaps ?? [] };
}

/** The HTTP/JSON API (`GET /api/…`, `/ready`) and, at every other path, the dashboard. Pure but for its deps. */
export function createApi(deps: ApiDeps): (request: Request) => Promise<Response> {
  return async (request) => {
    const { pathname: asked, searchParams } = requestUrl(request.url);
    const pathname = withoutPrefix(asked);
    if (request.method !== "GET" && request.method !== "HEAD")
      return Response.json({ error: "only GET is answered here" }, { status: 405 });
    if (pathname === "/ready") {
      const ready = deps.ready();
      return new Response(ready ? "ok\n" : "inventory is not complete yet\n", { status: ready ? 200 : 503 });
    }
    const host = request.headers.get("host") ?? "";
    if (deps.refusesHost?.(host))
      return Response.json(
        { error: `the host name ${JSON.stringify(host)} is none that dashboard.enforcedHostRegexp lets in` },
        { status: 403 },
      );
    const endpoint = Object.hasOwn(ENDPOINTS, pathname) ? ENDPOINTS[pathname] : undefined;
    if (!endpoint) return (await deps.page(request)) ?? unknownPath(pathname);
    try {
      const asked = { ...deps, store: await storeFor(pathname, searchParams, deps) };
      return Response.json(withGaps(await endpoint(searchParams, asked), deps.scrapeGaps()), {
        headers: { "cache-control": "no-store" },
      });
    } catch (error) {
      if (error instanceof BadQuery) return Response.json({ error: error.message }, { status: 400 });
      if (error instanceof PrometheusError) return Response.json({ error: error.message }, { status: 502 });
      throw error;
    }
  };
}

/** Questions that need no samples at all. */
const WITHOUT_SAMPLES: ReadonlySet<string> = new Set([
  "/api/prometheus/targets",
  "/api/gateways",
  "/api/config",
  "/api/traces",
  "/api/services",
  "/api/operations",
]);
/** Every page looks back at least so far for its sparklines. Units: ms. */
const HISTORY_MS = 10 * 60_000;
const EXACT: ReadonlySet<string> = new Set(["/api/stat", "/api/routes", "/api/edges"]);

async function storeFor(pathname: string, params: URLSearchParams, deps: ApiDeps): Promise<MetricStore> {
  if (!deps.storeOf || WITHOUT_SAMPLES.has(pathname)) return deps.store;
  const { atMs, windowMs } = windowQuery(params, deps.nowMs());
  const lookBackMs = EXACT.has(pathname) ? windowMs : Math.max(windowMs, HISTORY_MS);
  return deps.storeOf({ fromMs: atMs - lookBackMs, toMs: atMs });
}

/** An Ingress may send its own prefix along: `/mesh/api/stat` is `/api/stat`. */
function withoutPrefix(pathname: string): string {
  const at = pathname.lastIndexOf("/api/");
  return at < 0 ? pathname : pathname.slice(at);
}

function withGaps(answer: unknown, scrapeGaps: readonly string[]): unknown {
  if (typeof answer !== "object" || answer === null || !("gaps" in answer) || !Array.isArray(answer.gaps))
    return answer;
  return { ...answer, gaps: [...answer.gaps, ...scrapeGaps] };
}

function unknownPath(pathname: string): Response {
  const known = Object.keys(ENDPOINTS).join(", ");
  return Response.json({ error: `no ${pathname} here; there are ${known} and the dashboard at /` }, { status: 404 });
}
