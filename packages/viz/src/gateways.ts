import { listOf, parseExposition, recordOf, textOf } from "@heddle/std";
import type { GatewayRow, GatewaysAnswer, RemoteClusterRow } from "./config-contract.ts";
import { type ControlPlaneClient, kept } from "./control-plane-client.ts";
import { type Inventory, isClusterGateway, NETWORK_LABEL, type PodInfo } from "./inventory.ts";
import { quantile } from "./query/totals.ts";
import { bucketBound } from "./store/label-set.ts";

export interface GatewaysDeps {
  readonly client: ControlPlaneClient;
  readonly inventory: Inventory;
  nowMs(): number;
  fetchText(url: string, timeoutMs: number): Promise<string>;
}

const FRESH_MS = 2000;
const TIMEOUT_MS = 3000;
/** Where Linkerd's service mirror serves its metrics. Source: linkerd2 multicluster/charts. */
const MIRROR_PORT = 9999;
type Sample = ReturnType<typeof parseExposition>["samples"][number];

/** Gateways between clusters, as service mirrors probe them and as pods of this cluster are one; and the clusters that the control plane reads. */
export function createGateways(deps: GatewaysDeps): () => Promise<GatewaysAnswer> {
  return kept(FRESH_MS, deps.nowMs, async () => {
    const gaps: string[] = [];
    const read = async (what: string, ask: () => Promise<string>): Promise<readonly Sample[]> => {
      try {
        return parseExposition(await ask()).samples;
      } catch (error) {
        gaps.push(`${what} does not answer: ${error instanceof Error ? error.message : String(error)}`);
        return [];
      }
    };
    const replicas = deps.client.replicas();
    const texts = await Promise.all([
      ...deps.inventory
        .pods()
        .filter(isMirror)
        .map((p) =>
          read(`service mirror ${p.name}`, () => deps.fetchText(`http://${p.ip}:${MIRROR_PORT}/metrics`, TIMEOUT_MS)),
        ),
      ...replicas.map((r) => read(`control plane ${r.name}`, () => deps.client.text(r, "/metrics"))),
    ]);
    const mirrored = deps.inventory.services().flatMap((s) => s.mirrorOf ?? []);
    const remote = readProbes(texts.flat()).map((g) => ({
      ...g,
      services: mirrored.filter((cluster) => cluster === g.cluster).length,
    }));
    const own = ownGateways(deps.inventory.pods());
    const [clusters, networks] = await Promise.all([
      Promise.all(replicas.map((r) => remoteClusters(deps.client, r))),
      Promise.all(replicas.slice(0, 1).map((r) => networkGateways(deps.client, r, new Set(own.map((g) => g.cluster))))),
    ]);
    return {
      timeMs: deps.nowMs(),
      gateways: [...own, ...networks.flat(), ...remote],
      clusters: clusters.flat(),
      gaps,
    };
  });
}

function isMirror(pod: PodInfo): boolean {
  if (!pod.running || pod.ip === "") return false;
  const { labels } = pod;
  return labels["component"] === "linkerd-service-mirror";
}

function ownGateways(pods: readonly PodInfo[]): readonly GatewayRow[] {
  const found = new Map<string, GatewayRow>();
  for (const pod of pods) {
    const { labels, namespace } = pod;
    if (!isClusterGateway(pod)) continue;
    const name = pod.owners[0]?.name ?? pod.name;
    const key = `${namespace}/${name}`;
    found.set(key, {
      cluster: labels[NETWORK_LABEL] ?? "",
      name,
      namespace,
      side: "this cluster",
      alive: pod.running || found.get(key)?.alive === true,
      ...NOT_PROBED,
    });
  }
  return [...found.values()];
}

const NOT_PROBED = { latencyMsP50: null, latencyMsP95: null, latencyMsP99: null, services: null };

/** Linkerd's probe metrics. Source: linkerd2 multicluster/service-mirror/metrics.go. */
export function readProbes(samples: readonly Sample[]): readonly GatewayRow[] {
  const clusters = new Set<string>();
  const of = (name: string) =>
    samples.filter((s) => s.name === name).map((s) => [s.labels.get("target_cluster_name") ?? "", s] as const);
  for (const [cluster] of of("gateway_alive")) clusters.add(cluster);
  return [...clusters].sort().map((cluster): GatewayRow => {
    const buckets = new Map<number, number>();
    for (const [target, { labels, value }] of of("gateway_probe_latency_ms_bucket"))
      if (target === cluster) buckets.set(bucketBound(labels), value);
    const one = (name: string) => of(name).find(([target]) => target === cluster)?.[1];
    const alive = one("gateway_alive");
    return {
      cluster,
      name: alive?.labels.get("gateway_name") ?? "linkerd-gateway",
      namespace: alive?.labels.get("gateway_namespace") ?? "",
      side: "remote",
      alive: alive === undefined ? null : alive.value > 0,
      latencyMsP50: quantile(buckets, 0.5),
      latencyMsP95: quantile(buckets, 0.95),
      latencyMsP99: quantile(buckets, 0.99),
      services: null,
    };
  });
}

/** The gateways of other networks, as the control plane reaches them now. */
async function networkGateways(
  client: ControlPlaneClient,
  replica: PodInfo,
  own: ReadonlySet<string>,
): Promise<readonly GatewayRow[]> {
  try {
    const answer = recordOf(recordOf(await client.json(replica, "/debug/networkz?probe=true"))["gateways"]);
    return Object.entries(answer).flatMap(([network, list]) =>
      own.has(network)
        ? []
        : listOf(list)
            .map(recordOf)
            .map((gateway): GatewayRow => {
              const latencyMs = gateway["latencyMs"];
              return {
                ...NOT_PROBED,
                cluster: network,
                name: `${textOf(gateway["address"])}:${textOf(gateway["port"])}`,
                namespace: "",
                side: "remote",
                alive: textOf(gateway["problem"]) === "",
                latencyMsP50: typeof latencyMs === "number" ? latencyMs : null,
              };
            }),
    );
  } catch {
    return [];
  }
}

/** Istio's `/debug/clusterz`; a replica without it reads no other cluster. */
async function remoteClusters(client: ControlPlaneClient, replica: PodInfo): Promise<readonly RemoteClusterRow[]> {
  try {
    return (
      listOf(await client.json(replica, "/debug/clusterz"))
        .map(recordOf)
        .map((c) => ({
          id: textOf(c["id"]) || textOf(c["ID"]),
          secret: textOf(c["secretName"]),
          status: textOf(c["syncStatus"]),
          reason: textOf(c["reason"]),
          replica: replica.name,
        }))
        // The cluster that the control plane itself runs in needs no Secret.
        .filter((c) => c.id !== "" && c.secret !== "")
    );
  } catch {
    return [];
  }
}
