import type { Inventory } from "../inventory.ts";

/** A target group of Prometheus' HTTP discovery. Source: prometheus.io/docs, http_sd_config. */
export interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

const PROXY_PORT = 15020;
const CONTROL_PLANE_PORT = 15014;

/** Everything in the mesh that has metrics, by job: proxies, or the control plane's replicas. */
export function scrapeTargets(inventory: Inventory, job: "proxies" | "control-plane"): readonly TargetGroup[] {
  const running = inventory.pods().filter((p) => p.running && p.ip !== "");
  const chosen = running.filter((p) => (job === "proxies" ? p.meshed : p.labels["app"] === "istiod"));
  const port = job === "proxies" ? PROXY_PORT : CONTROL_PLANE_PORT;
  return chosen.map((pod) => {
    const host = pod.ip.includes(":") ? `[${pod.ip}]` : pod.ip;
    const owner = pod.owners[0];
    const labels = {
      namespace: pod.namespace,
      pod: pod.name,
      ...(owner ? { workload: owner.name } : {}),
      ...(job === "control-plane" ? { app: "istiod" } : {}),
      ...(job === "proxies" ? { __metrics_path__: "/stats/prometheus" } : {}),
    };
    return { targets: [`${host}:${port}`], labels };
  });
}
