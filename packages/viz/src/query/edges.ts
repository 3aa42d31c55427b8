import type { EdgeRow, EdgesAnswer, ResourceKind } from "../contract.ts";
import type { Inventory } from "../inventory.ts";
import type { MetricStore } from "../store/store.ts";
import { isFailure } from "./classify.ts";
import { gapsOf } from "./stat.ts";

export interface EdgesQuery {
  readonly kind: ResourceKind;
  readonly namespace?: string;
  /** Units: ms. */
  readonly windowMs: number;
}

/** Draft of an edge; both sides report it, the receiving side knows both identities for certain. */
interface Draft {
  readonly src: string;
  readonly srcNamespace: string;
  readonly dst: string;
  readonly dstNamespace: string;
  clientId: string;
  serverId: string;
  secured: boolean;
  seenByDestination: boolean;
  requests: number;
  failures: number;
}

const COUNTED = ["istio_requests_total", "istio_tcp_connections_opened_total"] as const;

/** Who calls whom, as workloads (or namespaces), with identities and whether the connection was mTLS. */
export function edges(query: EdgesQuery, store: MetricStore, inventory: Inventory, nowMs: number): EdgesAnswer {
  const drafts = new Map<string, Draft>();
  const fromMs = nowMs - query.windowMs;
  for (const metric of COUNTED) {
    for (const { series, bornAtZero } of store.of(metric)) {
      const amount = series.increase(fromMs, bornAtZero);
      if (amount <= 0) continue;
      const draft = draftOf(drafts, series.labels, query);
      if (draft) addTo(draft, series.labels, amount, metric === "istio_requests_total");
    }
  }
  nameCallers(drafts);
  const known = new Set(
    inventory
      .pods()
      .filter((p) => p.meshed)
      .map((p) => p.namespace),
  );
  const rows = [...drafts.values()].map((d) => toEdge(d, known)).sort((a, b) => sortKey(a).localeCompare(sortKey(b)));
  return { rows, gaps: gapsOf(store, fromMs) };
}

/**
 * A caller with a stock Envoy proves its identity but does not introduce its workload, so the receiving side has no name for it. Where
 * one caller of that identity is known for the destination, it is that one: its edge gets the receiving side's counts.
 */
function nameCallers(drafts: Map<string, Draft>): void {
  for (const [key, nameless] of drafts) {
    if (nameless.src !== "unknown" || !nameless.seenByDestination || nameless.clientId === "") continue;
    const callers = [...drafts.values()].filter(
      (d) =>
        d !== nameless &&
        d.clientId === nameless.clientId &&
        d.dst === nameless.dst &&
        d.dstNamespace === nameless.dstNamespace,
    );
    if (callers.length === 0) continue;
    drafts.delete(key);
    const [only] = callers;
    // Several workloads share the identity: each keeps its own count.
    if (only === undefined || callers.length > 1) continue;
    // A caller that changed its data plane within the window is known by both names.
    const before = only.seenByDestination ? only : { requests: 0, failures: 0, secured: true };
    only.requests = before.requests + nameless.requests;
    only.failures = before.failures + nameless.failures;
    only.secured = before.secured && nameless.secured;
    only.seenByDestination = true;
    only.serverId ||= nameless.serverId;
  }
}

const sortKey = (e: EdgeRow) => [e.srcNamespace, e.src, e.dstNamespace, e.dst].join("\u0000");

function draftOf(
  drafts: Map<string, Draft>,
  labels: ReadonlyMap<string, string>,
  query: EdgesQuery,
): Draft | undefined {
  const label = (name: string) => labels.get(name) ?? "unknown";
  const srcNamespace = label("source_workload_namespace");
  const dstNamespace = label("destination_workload_namespace");
  if (query.namespace !== undefined && srcNamespace !== query.namespace && dstNamespace !== query.namespace)
    return undefined;
  const byNamespace = query.kind === "namespace";
  const src = byNamespace ? srcNamespace : label("source_workload");
  const dst = byNamespace ? dstNamespace : destinationName(labels);
  const key = [srcNamespace, src, dstNamespace, dst].join("\u0000");
  let draft = drafts.get(key);
  if (!draft) {
    draft = {
      src,
      srcNamespace,
      dst,
      dstNamespace,
      clientId: "",
      serverId: "",
      secured: false,
      seenByDestination: false,
      requests: 0,
      failures: 0,
    };
    drafts.set(key, draft);
  }
  return draft;
}

function destinationName(labels: ReadonlyMap<string, string>): string {
  const workload = labels.get("destination_workload") ?? "unknown";
  return workload === "unknown" ? (labels.get("destination_service_name") ?? "unknown") : workload;
}

function addTo(draft: Draft, labels: ReadonlyMap<string, string>, amount: number, isRequest: boolean): void {
  const fromDestination = labels.get("reporter") === "destination";
  // Both sides count the same requests: the receiving side's count replaces the sending side's.
  if (fromDestination && !draft.seenByDestination) {
    draft.seenByDestination = true;
    draft.requests = 0;
    draft.failures = 0;
    draft.secured = labels.get("connection_security_policy") === "mutual_tls";
  } else if (!fromDestination && draft.seenByDestination) return;
  else if (fromDestination) draft.secured &&= labels.get("connection_security_policy") === "mutual_tls";
  const principal = (name: string) => (labels.get(name) ?? "unknown").replace(/^unknown$/, "");
  draft.clientId ||= spiffe(principal("source_principal"));
  draft.serverId ||= spiffe(principal("destination_principal"));
  if (!isRequest) return;
  draft.requests += amount;
  if (isFailure(labels)) draft.failures += amount;
}

const spiffe = (principal: string) =>
  principal === "" || principal.startsWith("spiffe://") ? principal : `spiffe://${principal}`;

function toEdge(draft: Draft, meshedNamespaces: ReadonlySet<string>): EdgeRow {
  const secured = draft.seenByDestination ? draft.secured : draft.clientId !== "" && draft.serverId !== "";
  const { seenByDestination, ...edge } = draft;
  const reason = meshedNamespaces.has(draft.dstNamespace) ? "the caller has no proxy" : "the destination has no proxy";
  return { ...edge, secured, noTlsReason: secured ? "" : seenByDestination ? "the caller sent plain text" : reason };
}
