import type { MetricStore } from "../store/store.ts";
import { isFailure } from "./classify.ts";
import { addSeries, emptyTotals, openConnections, type Span, type Totals } from "./totals.ts";

/** Traffic between two names; both proxies may report it, the receiving one knows both identities for certain. */
export interface Traffic {
  readonly src: string;
  readonly srcNamespace: string;
  readonly dst: string;
  readonly dstNamespace: string;
  readonly clientId: string;
  readonly serverId: string;
  readonly secured: boolean;
  /** Why not, where not. */
  readonly noTlsReason: string;
  readonly totals: Totals;
  readonly tcp: boolean;
  /** All identities of each end, sorted: a service may be in clusters of several trust domains. */
  readonly clientIds: readonly string[];
  readonly serverIds: readonly string[];
  /** Clusters that each end was seen in, sorted. */
  readonly srcClusters: readonly string[];
  readonly dstClusters: readonly string[];
}

/** How the ends of a series are called; undefined leaves the series out. */
export type NameEnds = (
  labels: ReadonlyMap<string, string>,
  pod: { readonly namespace: string; readonly pod: string },
) => Pick<Traffic, "src" | "srcNamespace" | "dst" | "dstNamespace"> | undefined;

const METRICS = [
  "istio_requests_total",
  "istio_request_duration_milliseconds_bucket",
  "istio_tcp_connections_opened_total",
  "istio_tcp_connections_closed_total",
  "istio_tcp_sent_bytes_total",
  "istio_tcp_received_bytes_total",
  "istio_request_bytes_sum",
  "istio_response_bytes_sum",
] as const;

/** Answers that the caller's proxy gave itself: the receiving side never saw these requests. Source: Envoy's response flags. */
const NEVER_ARRIVED = new Set(["UF", "UH", "NC", "NR", "UO", "UPE"]);

/** Why a way is not secured whose requests all ended at the caller. */
export const UNREACHED = "no request reached it";

interface Draft {
  readonly ends: Pick<Traffic, "src" | "srcNamespace" | "dst" | "dstNamespace">;
  clientId: string;
  serverId: string;
  plain: boolean;
  byDestination: Totals;
  /** By the cluster that the caller's proxy names; "unknown" where it names none. */
  readonly bySource: Map<string, Totals>;
  readonly lost: Totals;
  seenByDestination: boolean;
  seenBySource: boolean;
  tcp: boolean;
  readonly clientIds: Set<string>;
  readonly serverIds: Set<string>;
  readonly srcClusters: Set<string>;
  readonly dstClusters: Set<string>;
  /** Clusters whose receiving proxies are read here; "unknown" where one does not say. */
  readonly readHere: Set<string>;
}

/** Who talked to whom in a span, each request once: as the receiving proxy counted, with what never reached it added. */
export function trafficOf(
  store: MetricStore,
  span: Span,
  nameEnds: NameEnds,
  isMeshed: (namespace: string, name: string) => boolean,
  isGateway: (namespace: string, name: string) => boolean = () => false,
): readonly Traffic[] {
  const drafts = new Map<string, Draft>();
  for (const metric of METRICS) {
    for (const stored of store.of(metric)) {
      const { labels } = stored.series;
      const amount = stored.series.increase(span.fromMs, stored.bornAtZero, span.toMs);
      const open = openConnections(stored, span.toMs, store.isCurrent(stored));
      if (amount <= 0 && open === 0) continue;
      const ends = nameEnds(labels, stored.target);
      if (!ends) continue;
      const draft = draftOf(drafts, ends);
      identify(draft, labels);
      draft.tcp ||= metric.startsWith("istio_tcp");
      const target = totalsFor(draft, labels);
      addSeries(target, stored, span);
      target.open += open;
    }
  }
  nameCallers(drafts);
  return [...drafts.values()]
    .map((draft) => finish(draft, isMeshed, isGateway))
    .filter((t) => t.tcp || t.totals.requests > 0);
}

/**
 * A caller with a stock Envoy proves its identity but does not introduce its workload, so the receiving side has no name for it. Where
 * one caller of that identity is known for the destination, it is that one: its edge gets the receiving side's counts.
 */
function nameCallers(drafts: Map<string, Draft>): void {
  for (const [key, nameless] of [...drafts]) {
    if (nameless.ends.src !== "unknown" || !nameless.seenByDestination || nameless.clientId === "") continue;
    const { dst, dstNamespace } = nameless.ends;
    const callers = [...drafts.values()].filter(
      (d) =>
        d !== nameless &&
        d.clientId === nameless.clientId &&
        d.ends.dst === dst &&
        d.ends.dstNamespace === dstNamespace,
    );
    const [only] = callers;
    if (only === undefined) {
      nameByAccount(drafts, key, nameless);
      continue;
    }
    drafts.delete(key);
    // Several workloads share the identity: each keeps its own count.
    if (callers.length > 1) continue;
    // A caller that changed its data plane within the span is known by both names.
    only.byDestination = sum(only.byDestination, nameless.byDestination);
    for (const cluster of nameless.readHere) only.readHere.add(cluster);
    only.plain ||= nameless.plain;
    only.seenByDestination = true;
    only.serverId ||= nameless.serverId;
  }
}

/** A caller that no proxy here knows, such as one of another cluster, goes by the account that it proved. */
function nameByAccount(drafts: Map<string, Draft>, key: string, nameless: Draft): void {
  const account = /\/sa\/([^/]+)$/.exec(nameless.clientId)?.[1];
  if (account === undefined) return;
  drafts.delete(key);
  const named = draftOf(drafts, { ...nameless.ends, src: account });
  named.byDestination = sum(named.byDestination, nameless.byDestination);
  named.clientId ||= nameless.clientId;
  named.serverId ||= nameless.serverId;
  named.plain ||= nameless.plain;
  named.tcp ||= nameless.tcp;
  named.seenByDestination = true;
  for (const id of nameless.clientIds) named.clientIds.add(id);
  for (const id of nameless.serverIds) named.serverIds.add(id);
  for (const cluster of nameless.dstClusters) named.dstClusters.add(cluster);
  for (const cluster of nameless.readHere) named.readHere.add(cluster);
}

function draftOf(drafts: Map<string, Draft>, ends: Draft["ends"]): Draft {
  const key = [ends.srcNamespace, ends.src, ends.dstNamespace, ends.dst].join("\u0000");
  let draft = drafts.get(key);
  if (!draft) {
    draft = {
      ends,
      clientId: "",
      serverId: "",
      plain: false,
      byDestination: emptyTotals(),
      bySource: new Map(),
      lost: emptyTotals(),
      seenByDestination: false,
      seenBySource: false,
      tcp: false,
      clientIds: new Set(),
      serverIds: new Set(),
      srcClusters: new Set(),
      dstClusters: new Set(),
      readHere: new Set(),
    };
    drafts.set(key, draft);
  }
  return draft;
}

function totalsFor(draft: Draft, labels: ReadonlyMap<string, string>): Totals {
  const cluster = labels.get("destination_cluster") || "unknown";
  if (labels.get("reporter") === "destination") {
    draft.seenByDestination = true;
    draft.readHere.add(cluster);
    return draft.byDestination;
  }
  const flags = (labels.get("response_flags") ?? "").split(",");
  if (isFailure(labels) && flags.some((flag) => NEVER_ARRIVED.has(flag))) return draft.lost;
  const totals = draft.bySource.get(cluster) ?? emptyTotals();
  draft.bySource.set(cluster, totals);
  return totals;
}

function identify(draft: Draft, labels: ReadonlyMap<string, string>): void {
  const [client, server] = [spiffe(labels.get("source_principal")), spiffe(labels.get("destination_principal"))];
  draft.clientId ||= client;
  draft.serverId ||= server;
  if (client !== "") draft.clientIds.add(client);
  if (server !== "") draft.serverIds.add(server);
  draft.seenBySource ||= labels.get("reporter") === "source";
  seenIn(draft.srcClusters, labels.get("source_cluster"));
  seenIn(draft.dstClusters, labels.get("destination_cluster"));
  if (labels.get("reporter") === "destination")
    draft.plain ||= labels.get("connection_security_policy") !== "mutual_tls";
}

function seenIn(clusters: Set<string>, cluster = "unknown"): void {
  if (cluster !== "unknown" && cluster !== "") clusters.add(cluster);
}

function spiffe(principal = "unknown"): string {
  if (principal === "unknown" || principal === "") return "";
  return principal.startsWith("spiffe://") ? principal : `spiffe://${principal}`;
}

function finish(
  draft: Draft,
  isMeshed: (namespace: string, name: string) => boolean,
  isGateway: (namespace: string, name: string) => boolean,
): Traffic {
  const { ends, clientId, serverId, seenByDestination } = draft;
  const sentNothing = [...draft.bySource.values()].every(({ requests }) => requests === 0);
  // A gateway between clusters passes mesh TLS on unread: who calls is known at the destination only, on that edge.
  const passedOn = draft.seenBySource && draft.tcp && sentNothing && isGateway(ends.srcNamespace, ends.src);
  const secured = seenByDestination
    ? !draft.plain
    : clientId !== ""
      ? serverId !== ""
      : passedOn && isMeshed(ends.dstNamespace, ends.dst);
  const reason =
    !draft.tcp && sentNothing
      ? UNREACHED
      : isMeshed(ends.dstNamespace, ends.dst)
        ? "the caller has no proxy"
        : "the destination has no proxy";
  return {
    ...ends,
    clientId,
    serverId,
    secured,
    noTlsReason: secured ? "" : seenByDestination ? "the caller sent plain text" : reason,
    totals: sum(arrivedOf(draft), draft.lost),
    tcp: draft.tcp,
    clientIds: [...draft.clientIds].sort(),
    serverIds: [...draft.serverIds].sort(),
    srcClusters: [...draft.srcClusters].sort(),
    dstClusters: [...draft.dstClusters].sort(),
  };
}

/** What reached the destination: as its proxies counted; as the caller's did where those are another cluster's, which nobody here reads. */
function arrivedOf({ seenByDestination, byDestination, bySource, readHere }: Draft): Totals {
  if (!seenByDestination) return [...bySource.values()].reduce(sum, emptyTotals());
  if (readHere.has("unknown")) return byDestination;
  return [...bySource]
    .filter(([cluster]) => cluster !== "unknown" && !readHere.has(cluster))
    .reduce((total, [, totals]) => sum(total, totals), byDestination);
}

/** Totals of two disjoint sets of series. */
export function sum(a: Totals, b: Totals): Totals {
  const buckets = new Map(a.buckets);
  for (const [bound, count] of b.buckets) buckets.set(bound, (buckets.get(bound) ?? 0) + count);
  return {
    requests: a.requests + b.requests,
    failures: a.failures + b.failures,
    unauthorized: a.unauthorized + b.unauthorized,
    permissionDenied: a.permissionDenied + b.permissionDenied,
    buckets,
    open: Math.max(0, a.open + b.open),
    readBytes: a.readBytes + b.readBytes,
    writtenBytes: a.writtenBytes + b.writtenBytes,
  };
}
