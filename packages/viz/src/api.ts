import type { ResourceKind, ResourceName, StatQuery } from "./contract.ts";
import type { Inventory } from "./inventory.ts";
import { edges } from "./query/edges.ts";
import { stat } from "./query/stat.ts";
import type { MetricStore } from "./store/store.ts";

const KINDS: readonly ResourceKind[] = [
  "deployment",
  "pod",
  "namespace",
  "service",
  "statefulset",
  "daemonset",
  "replicaset",
  "job",
  "cronjob",
];

export interface ApiDeps {
  readonly store: MetricStore;
  readonly inventory: Inventory;
  nowMs(): number;
  /** False until the first inventory is complete. */
  ready(): boolean;
  /** Scrapes that fail now, as sentences. */
  scrapeGaps(): readonly string[];
}

/** A request that cannot be answered: the sentence goes to the caller with status 400. */
class BadQuery extends Error {}

/** The HTTP/JSON API: `GET /api/stat`, `/api/edges`, `/ready`. Pure but for its deps. */
export function createApi(deps: ApiDeps): (request: Request) => Response {
  return (request) => {
    const { pathname, searchParams } = new URL(request.url);
    try {
      switch (pathname) {
        case "/ready":
          return new Response(deps.ready() ? "ok\n" : "inventory is not complete yet\n", {
            status: deps.ready() ? 200 : 503,
          });
        case "/api/stat": {
          const answer = stat(statQuery(searchParams), deps.store, deps.inventory, deps.nowMs());
          return Response.json({ ...answer, gaps: [...answer.gaps, ...deps.scrapeGaps()] });
        }
        case "/api/edges": {
          const namespace = searchParams.get("namespace");
          const query = {
            kind: kindOf(searchParams.get("kind") ?? "deployment"),
            windowMs: windowOf(searchParams),
            ...(namespace ? { namespace } : {}),
          };
          const answer = edges(query, deps.store, deps.inventory, deps.nowMs());
          return Response.json({ ...answer, gaps: [...answer.gaps, ...deps.scrapeGaps()] });
        }
        default:
          return Response.json({ error: `no ${pathname} here; there are /api/stat and /api/edges` }, { status: 404 });
      }
    } catch (error) {
      if (error instanceof BadQuery) return Response.json({ error: error.message }, { status: 400 });
      throw error;
    }
  };
}

function statQuery(params: URLSearchParams): StatQuery {
  const name = params.get("name");
  const namespace = params.get("namespace");
  const from = resourceName(params, "from");
  const to = resourceName(params, "to");
  if (from && to)
    throw new BadQuery("from and to cannot be combined; ask for the sender with to, or the receiver with from");
  return {
    kind: kindOf(params.get("kind") ?? "deployment"),
    windowMs: windowOf(params),
    ...(name ? { name } : {}),
    ...(namespace ? { namespace } : {}),
    ...(from ? { from } : {}),
    ...(to ? { to } : {}),
  };
}

function resourceName(params: URLSearchParams, which: "from" | "to"): ResourceName | undefined {
  const text = params.get(which);
  if (!text) return undefined;
  const [kind = "", name] = text.split("/");
  const namespace = params.get(`${which}Namespace`) ?? params.get("namespace");
  if (!namespace) throw new BadQuery(`${which}=${text} needs ${which}Namespace`);
  return { kind: kindOf(kind), namespace, ...(name ? { name } : {}) };
}

function kindOf(text: string): ResourceKind {
  const kind = KINDS.find((k) => k === text);
  if (!kind) throw new BadQuery(`kind ${JSON.stringify(text)} is unknown; known are ${KINDS.join(", ")}`);
  return kind;
}

function windowOf(params: URLSearchParams): number {
  const ms = Number(params.get("windowMs") ?? "60000");
  if (!Number.isFinite(ms) || ms < 1000 || ms > 6 * 3_600_000)
    throw new BadQuery("windowMs must be from 1000 to 21600000");
  return ms;
}
