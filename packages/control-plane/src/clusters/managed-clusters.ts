import type { KubeClient } from "@heddle/kube-client";
import type { Clock, Logger } from "@heddle/std";
import { createRootConfigMaps } from "../ca/root-config-maps.ts";
import type { Telemetry } from "../telemetry.ts";
import { createCaBundlePatcher } from "../webhook/ca-bundle.ts";
import type { RemoteClusters } from "./remote-clusters.ts";

/** Annotation of a remote cluster's mesh namespace: the clusters whose control planes may manage it. Source: Istio, primary-remote. */
export const controlPlaneClusters = "topology.istio.io/controlPlaneClusters";

/**
 * Clusters without a control plane of their own: ours gives each of their namespaces the root certificate, and their webhook the CA that it is
 * verified by. Only where the cluster's administrator asked for it by annotation.
 */
export interface ManagedClusters {
  /** Clusters came, changed or went. */
  reconcile(): void;
  /** Another root is in force. */
  refresh(): void;
  readonly names: readonly string[];
  close(): void;
}

export interface ManagedClustersOptions {
  readonly clusters: Pick<RemoteClusters, "served">;
  /** The control plane's own cluster. */
  readonly clusterId: string;
  /** Where the mesh is, in every cluster. */
  readonly namespace: string;
  readonly roots: () => string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly telemetry: Telemetry;
}

interface Part {
  start(): void;
  refresh(): void;
  close(): void;
}

/** Invariant: `parts` write through `kube`, so another kubeconfig makes them anew. */
interface Held {
  readonly kube: KubeClient;
  readonly parts: readonly Part[];
}

class Managed implements ManagedClusters {
  readonly #options: ManagedClustersOptions;
  readonly #held = new Map<string, Held>();

  constructor(options: ManagedClustersOptions) {
    this.#options = options;
  }

  get names(): readonly string[] {
    return [...this.#held.keys()];
  }

  reconcile(): void {
    const { clusters, log } = this.#options;
    const wanted = new Map<string, KubeClient>();
    for (const { id, cluster } of clusters.served)
      if (cluster.kube !== undefined && this.#mayManage(cluster.namespaceOf(this.#options.namespace)?.annotations))
        wanted.set(id, cluster.kube);
    for (const [id, { kube, parts }] of this.#held) {
      if (wanted.get(id) === kube) continue;
      for (const part of parts) part.close();
      this.#held.delete(id);
      if (!wanted.has(id)) log.info("cluster is not managed from here any more", { cluster: id });
    }
    for (const [id, kube] of wanted) {
      if (this.#held.has(id)) continue;
      log.info("cluster is managed from here", { cluster: id });
      const parts = this.#partsOf(id, kube);
      this.#held.set(id, { kube, parts });
      for (const part of parts) part.start();
    }
  }

  refresh(): void {
    for (const { parts } of this.#held.values()) for (const part of parts) part.refresh();
  }

  close(): void {
    for (const { parts } of this.#held.values()) for (const part of parts) part.close();
    this.#held.clear();
  }

  #mayManage(annotations: Readonly<Record<string, string>> | undefined): boolean {
    const names = (annotations?.[controlPlaneClusters] ?? "").split(",").map((name) => name.trim());
    return names.includes("*") || names.includes(this.#options.clusterId);
  }

  #partsOf(id: string, kube: KubeClient): readonly Part[] {
    const { clock, log, namespace, roots, telemetry } = this.#options;
    return [
      createRootConfigMaps({ kube, roots, clock, log: log.child(`${id}.roots`) }),
      createCaBundlePatcher({ kube, namespace, roots, clock, log: log.child(`${id}.webhook`), telemetry }),
    ];
  }
}

export function createManagedClusters(options: ManagedClustersOptions): ManagedClusters {
  return new Managed(options);
}
