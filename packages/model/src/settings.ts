import type { MeshConfig, MeshNetworks } from "@heddle/config";

/** What the mesh's snapshot is built with, apart from resources. */
export interface MeshSettings {
  readonly mesh: MeshConfig;
  readonly trustDomain: string;
  readonly rootNamespace: string;
  /** Suffix of service names, e.g. `cluster.local`. */
  readonly domain: string;
  readonly clusterId: string;
  readonly networks: MeshNetworks["networks"];
}
