import type { LocalityLbSetting, MeshConfig, StringMap, TrafficPolicy } from "@heddle/config";
import type { Locality } from "./workload.ts";

/** Where a client is and what it is, as far as its choice of endpoints depends on it. */
export interface ClientPlace {
  readonly locality: Locality;
  /** Labels that some `failoverPriority` asks for, with the topology among them. */
  readonly labels: StringMap;
}

/**
 * How the endpoints of a cluster are ordered for clients of one place. It travels as the last part of the cluster's EDS name, so that
 * clients of one place share what is made for them, and nothing has to be remembered.
 */
export interface LocalityRequest {
  readonly locality: Locality;
  /** Shares by endpoint locality (`region/zone/subzone`, the end may be `*`); others get nothing. */
  readonly distribute?: Readonly<Record<string, number>>;
  /** Region that comes before the other foreign ones. */
  readonly failover?: string;
  /** Labels and the client's values: an endpoint ranks by how many of them match before the first that does not. */
  readonly priority?: readonly (readonly [string, string])[];
}

/** What endpoints near a caller share with it, for services that prefer them. Source: Istio. */
export const closeLabels = [
  "topology.istio.io/network",
  "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone",
] as const;

type Policy = Pick<TrafficPolicy, "loadBalancer" | "outlierDetection">;

/** The setting in force: the DestinationRule's, else the mesh's; undefined when it is switched off. */
export function localitySetting(policy: Partial<Policy>, mesh: MeshConfig): LocalityLbSetting | undefined {
  const setting = policy.loadBalancer?.localityLbSetting ?? mesh.localityLbSetting;
  return setting?.enabled === false ? undefined : (setting ?? { distribute: [], failover: [], failoverPriority: [] });
}

/** What to ask for; undefined when the place of the client makes no difference. Failover needs outlier detection, as in Istio. */
export function localityRequest(
  policy: Partial<Policy>,
  mesh: MeshConfig,
  place: ClientPlace | undefined,
  preferClose = false,
): LocalityRequest | undefined {
  if (place === undefined) return undefined;
  const { locality } = place;
  if (preferClose && policy.loadBalancer?.localityLbSetting === undefined)
    return { locality, priority: closeLabels.map((key) => [key, place.labels[key] ?? ""] as const) };
  const setting = localitySetting(policy, mesh);
  if (setting === undefined) return undefined;
  if (setting.distribute.length > 0) {
    const shares = setting.distribute.find((entry) => localityMatches(entry.from, locality));
    return shares === undefined ? undefined : { locality, distribute: shares.to };
  }
  if (policy.outlierDetection === undefined) return undefined;
  if (setting.failoverPriority.length > 0) {
    const priority = setting.failoverPriority.map((entry): readonly [string, string] => {
      const equals = entry.indexOf("=");
      return equals < 0 ? [entry, place.labels[entry] ?? ""] : [entry.slice(0, equals), entry.slice(equals + 1)];
    });
    return { locality, priority };
  }
  if (locality.region === "") return undefined;
  const to = setting.failover.find((entry) => entry.from === locality.region)?.to;
  return to === undefined ? { locality } : { locality, failover: to };
}

/** True when `pattern` (`region/zone/subzone`, shorter, or ending in `*`) covers the locality. */
export function localityMatches(pattern: string, locality: Locality): boolean {
  if (pattern === "*") return true;
  const parts = [locality.region, locality.zone, locality.subzone];
  return pattern.split("/").every((part, index) => part === "*" || part === parts[index]);
}

/** Reads an order from the last part of an EDS name; undefined for anything else, because names come from clients. */
export function decodeLocalityRequest(text: string): LocalityRequest | undefined {
  try {
    const request = JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as Partial<LocalityRequest>;
    const locality: Partial<Locality> | undefined = request.locality;
    const texts = [locality?.region, locality?.zone, locality?.subzone];
    if (!texts.every((part) => typeof part === "string")) return undefined;
    if (request.priority !== undefined && !Array.isArray(request.priority)) return undefined;
    return request as LocalityRequest;
  } catch {
    return undefined;
  }
}
