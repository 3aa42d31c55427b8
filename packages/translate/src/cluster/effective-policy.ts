import type { TrafficPolicy } from "@heddle/config";
import type { DestinationPolicy } from "@heddle/model";

/** A traffic policy without its port levels: what holds for one cluster. */
export type ClusterPolicy = Partial<
  Pick<TrafficPolicy, "loadBalancer" | "connectionPool" | "outlierDetection" | "tls" | "retryBudget">
>;

/**
 * The policy of one cluster: the rule's, with the subset's over it; settings for the port replace both, they are not merged.
 * Source: Istio's documentation of portLevelSettings and subsets.
 */
export function effectivePolicy(
  policy: DestinationPolicy | undefined,
  port: number,
  subset: string | undefined,
): ClusterPolicy {
  const own = policy?.subsets.find((candidate) => candidate.name === subset)?.trafficPolicy;
  const base = policy?.trafficPolicy;
  const levels = [...(own?.portLevelSettings ?? []), ...(base?.portLevelSettings ?? [])];
  const level = levels.find((candidate) => candidate.port.number === port);
  if (level !== undefined) {
    const { port: _port, ...settings } = level;
    return settings;
  }
  const {
    portLevelSettings: _base,
    tunnel: _tunnel,
    proxyProtocol: _protocol,
    ...wide
  } = base ?? { portLevelSettings: [] };
  const {
    portLevelSettings: _own,
    tunnel: _ownTunnel,
    proxyProtocol: _ownProtocol,
    ...narrow
  } = own ?? { portLevelSettings: [] };
  return { ...wide, ...narrow };
}
