import type { ConfigAnswer } from "./config-contract.ts";
import type { ResourceKind } from "./contract.ts";
import type { ControlPlaneClient } from "./control-plane-client.ts";
import { type Inventory, resourcesOf } from "./inventory.ts";
import { readOrigins } from "./proxy-origins.ts";

export interface ConfigQuery {
  readonly namespace: string;
  readonly kind: ResourceKind;
  readonly name: string;
}

const NOTHING = { pod: "", policies: [], plainTextAllowed: null, origins: [] };

/** What the control plane has told a proxy of the workload: the newest pod that is connected stands for all. */
export async function proxyConfig(
  query: ConfigQuery,
  client: ControlPlaneClient,
  inventory: Inventory,
  timeMs: number,
): Promise<ConfigAnswer> {
  const pods = inventory
    .pods()
    .filter((p) => p.namespace === query.namespace && p.running)
    .filter((p) => resourcesOf(p, query.kind, inventory.services()).includes(query.name));
  const meshed = pods.filter((p) => p.meshed);
  if (meshed.length === 0) {
    const why = pods.length === 0 ? "it has no running pod" : "none of its pods has a proxy";
    return { ...NOTHING, timeMs, gaps: [`no configuration: ${why}`] };
  }
  const reasons = new Set<string>();
  for (const pod of meshed) {
    for (const replica of client.replicas()) {
      try {
        const dump = await client.json(replica, `/debug/config_dump?proxyID=${pod.name}.${pod.namespace}`);
        return { timeMs, pod: pod.name, ...readOrigins(dump), gaps: [] };
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        reasons.add(text === "HTTP 404" ? `${pod.name} is not connected to it` : text);
      }
    }
  }
  const why = reasons.size === 0 ? "no control plane runs" : [...reasons].join("; ");
  return { ...NOTHING, timeMs, gaps: [`the control plane can't say what it told this workload: ${why}`] };
}
