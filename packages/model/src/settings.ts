import type { MeshConfig, MeshNetworks } from "@heddle/config";

/** What the mesh's snapshot is built with, apart from resources. */
export interface MeshSettings {
  readonly mesh: MeshConfig;
  readonly trustDomain: string;
  readonly rootNamespace: string;
  /** Suffix of service names, e.g. `cluster.local`. */
  readonly domain: string;
  /** Suffixes by which the clusters of one mesh call the same services, where theirs differ. */
  readonly otherDomains?: readonly string[];
  readonly clusterId: string;
  readonly networks: MeshNetworks["networks"];
}
