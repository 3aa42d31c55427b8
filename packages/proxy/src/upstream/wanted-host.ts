import type { Cluster } from "./cluster.ts";
import type { Host } from "./host.ts";

/** The host of a session; undefined: it is gone. */
export function wantedHost(cluster: Cluster, address: string): Host | undefined {
  return cluster.hosts.find(({ text }) => text === address);
}

/** The same host, if it may take requests. Source: Envoy `HostUtility::selectOverrideHost`. */
export function usableHost(cluster: Cluster, host: Host): Host | undefined {
  if (host.checkFailed || host.ejected) return undefined;
  const { degraded = true, draining = false } = cluster.config.sessionHosts ?? {};
  if (!host.edsHealthy) return draining && host.endpoint?.draining === true ? host : undefined;
  return host.degraded && !degraded ? undefined : host;
}
