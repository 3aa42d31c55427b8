import type { Problem } from "../dashboard-contract.ts";
import type { Inventory, PodInfo } from "../inventory.ts";
import type { MetricStore } from "../store/store.ts";
import { type WindowQuery, workloadOf } from "./overview.ts";

/** Connections to a pod that none of its listener's filter chains took. */
export interface RefusedConnections {
  readonly namespace: string;
  /** Its Deployment or whatever else is outermost. */
  readonly name: string;
  readonly count: number;
}

/** Where everything that is led to a sidecar arrives. */
const INBOUND = /_15006$/;

/** What a window saw refused, by workload. Sidecars that Istio configured leave this statistic out: only this mesh's say so. */
export function refusedConnections(
  { atMs, windowMs }: WindowQuery,
  store: MetricStore,
  inventory: Inventory,
): readonly RefusedConnections[] {
  const pods = new Map(inventory.pods().map((p) => [`${p.namespace}/${p.name}`, p]));
  const found = new Map<string, RefusedConnections>();
  for (const { series, target, bornAtZero } of store.of("envoy_listener_no_filter_chain_match")) {
    if (!INBOUND.test(series.labels.get("listener_address") ?? "")) continue;
    const count = series.increase(atMs - windowMs, bornAtZero, atMs);
    const pod = pods.get(`${target.namespace}/${target.pod}`);
    if (count === 0 || !pod) continue;
    const { namespace } = pod;
    const name = workloadOf(pod).name;
    const key = `${namespace}/${name}`;
    found.set(key, { namespace, name, count: (found.get(key)?.count ?? 0) + count });
  }
  return [...found.values()];
}

/** What a pod waits for that does not come by itself. */
export interface PodTrouble {
  readonly pod: string;
  readonly reason: string;
  readonly next: string;
}

export function troublesOf(pods: readonly PodInfo[], namespace: string, name: string): readonly PodTrouble[] {
  return pods
    .filter((p) => p.namespace === namespace && (p.name === name || workloadOf(p).name === name))
    .flatMap((p) => p.stuck.map((s) => ({ pod: p.name, reason: s.reason, next: nextStep(p, s) })));
}

/** Pods that do not run, and those that turn connections away. */
export function podProblems({
  pods,
  refused,
}: {
  readonly pods: readonly PodInfo[];
  readonly refused: readonly RefusedConnections[];
}): readonly Problem[] {
  const stuck = pods
    .filter((p) => p.meshed)
    .flatMap((p) =>
      p.stuck.map((s) => ({
        id: `pod/${p.namespace}/${p.name}/${s.container}`,
        severity: "error" as const,
        what: `${p.name} does not run: ${s.reason}`,
        cause: `container ${s.container}${s.message === "" ? "" : `: ${s.message}`}`,
        next: nextStep(p, s),
        namespace: p.namespace,
        name: workloadOf(p).name,
        sinceMs: null,
      })),
    );
  const turnedAway = refused.map(({ namespace, name, count }) => ({
    id: `refused/${namespace}/${name}`,
    severity: "error" as const,
    what: `${name} turned ${Math.round(count)} ${Math.round(count) === 1 ? "connection" : "connections"} away`,
    cause:
      "no filter chain took them: most often plain text of a caller without a proxy, where a PeerAuthentication says STRICT",
    next: `inject the callers (kubectl logs -n ${namespace} deploy/${name} -c istio-proxy has their addresses where access logs are on), or let plain text in: PeerAuthentication PERMISSIVE, for one port by portLevelMtls`,
    namespace,
    name,
    sinceMs: null,
  }));
  return [...stuck, ...turnedAway];
}

function nextStep(pod: PodInfo, { container, reason }: PodInfo["stuck"][number]): string {
  return reason === "CrashLoopBackOff"
    ? `kubectl logs -n ${pod.namespace} ${pod.name} -c ${container} --previous`
    : `kubectl describe pod -n ${pod.namespace} ${pod.name}`;
}
