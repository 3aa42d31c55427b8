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

/** How a client finds the endpoints of a service. */
export type Resolution = "endpoints" | "dns" | "passthrough";

/** A service as the mesh sees it, without its endpoints (those change on their own path). */
export interface MeshService {
  /** Fully qualified, e.g. `web-svc.emojivoto.svc.cluster.local`; the key everywhere. */
  readonly hostname: string;
  readonly name: string;
  readonly namespace: string;
  readonly resolution: Resolution;
  /** Cluster IPs; empty for headless services. */
  readonly addresses: readonly string[];
  readonly headless: boolean;
  /** Where an ExternalName service points, else "". */
  readonly externalName: string;
  readonly ports: readonly MeshPort[];
  readonly labels: StringMap;
  readonly selector: StringMap;
  /** Namespaces that may see it; `*` for all, `.` for its own, `~` for none. */
  readonly exportTo: readonly string[];
  /** SPIFFE ids that its workloads may present, sorted; empty when none is known yet. */
  readonly identities: readonly string[];
  /** True when the service lives outside of the mesh (MESH_EXTERNAL). */
  readonly external: boolean;
  readonly source: ObjectRef;
  readonly creationTimestamp: string;
}
