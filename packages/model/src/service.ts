import type { ObjectRef, StringMap } from "@heddle/config";
import type { Protocol } from "./protocol.ts";

/** One port of a mesh service. */
export interface MeshPort {
  readonly name: string;
  readonly number: number;
  /** Port on the workload: a number, or the name of a container port. */
  readonly target: number | string;
  readonly protocol: Protocol;
}

/** How a client finds the endpoints of a service: told by the control plane, by DNS (all answers, or the first), or it has chosen itself. */
export type Resolution = "endpoints" | "dns" | "logical-dns" | "passthrough";

/** A name to resolve. */
export interface DnsTarget {
  readonly address: string;
  /** Port by the service port's number, where it differs. */
  readonly ports: Readonly<Record<number, number>>;
  readonly weight: number;
}

/** A service as the mesh sees it, without its endpoints (those change on their own path). */
export interface MeshService {
  /** Fully qualified, e.g. `web-svc.emojivoto.svc.cluster.local`; the key everywhere. */
  readonly hostname: string;
  readonly name: string;
  readonly namespace: string;
  readonly resolution: Resolution;
  /** Addresses that clients dial: cluster IPs, or addresses and CIDR ranges of a ServiceEntry; empty for headless services. */
  readonly addresses: readonly string[];
  /** The same in other clusters, by cluster. */
  readonly addressesOf?: Readonly<Record<string, readonly string[]>>;
  /** Addresses that the mesh gave it because it has none; only clients that resolve names by the mesh's DNS know them. */
  readonly autoAddresses: readonly string[];
  readonly headless: boolean;
  /** What to resolve, for services found by DNS. */
  readonly dnsTargets: readonly DnsTarget[];
  readonly ports: readonly MeshPort[];
  readonly labels: StringMap;
  readonly selector: StringMap;
  /** Namespaces that may see it; `*` for all, `.` for its own, `~` for none. */
  readonly exportTo: readonly string[];
  /** SPIFFE ids that its workloads may present, sorted; empty when none is known yet. */
  readonly identities: readonly string[];
  /** Endpoints of the caller's zone are preferred while there are any (`trafficDistribution`). */
  readonly preferClose: boolean;
  /** True when the service lives outside of the mesh (MESH_EXTERNAL). */
  readonly external: boolean;
  /** For a mirror: the name that the Service has in its own cluster, by which that cluster's gateway knows it. */
  readonly remoteName?: string;
  /** For the mirror of one named pod: its name below the headless mirror, by which clients call it too. */
  readonly podName?: string;
  readonly source: ObjectRef;
  readonly creationTimestamp: string;
}
