import type { TrafficPolicy } from "@heddle/config";
import type { DestinationPolicy, WrittenAt } from "@heddle/model";

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

const fields = ["loadBalancer", "connectionPool", "outlierDetection", "tls", "retryBudget"] as const;

/** Where each part of a cluster's policy was written, by the rules of {@link effectivePolicy}; `subset` is the subset itself. */
export function policyFields(
  policy: DestinationPolicy | undefined,
  port: number,
  subset: string | undefined,
): Readonly<Record<string, WrittenAt>> {
  const narrow = policy?.subsets.find((candidate) => candidate.name === subset);
  const levels = [
    ...(narrow === undefined
      ? []
      : [{ policy: narrow.trafficPolicy, at: { ...narrow.at, path: `${narrow.at.path}.trafficPolicy` } }]),
    ...(policy?.trafficPolicyAt === undefined ? [] : [{ policy: policy.trafficPolicy, at: policy.trafficPolicyAt }]),
  ];
  const found: Record<string, WrittenAt> = narrow === undefined ? {} : { subset: narrow.at };
  for (const { policy: level, at } of levels) {
    const index = level?.portLevelSettings.findIndex((candidate) => candidate.port.number === port) ?? -1;
    const own = level?.portLevelSettings[index];
    if (own === undefined) continue;
    for (const field of fields)
      if (field !== "retryBudget" && own[field] !== undefined)
        found[field] = { source: at.source, path: `${at.path}.portLevelSettings[${index}].${field}` };
    return found;
  }
  for (const { policy: level, at } of levels)
    for (const field of fields)
      if (level?.[field] !== undefined) found[field] ??= { source: at.source, path: `${at.path}.${field}` };
  return found;
}
