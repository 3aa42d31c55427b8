import { findingJson, type OtherCluster } from "@heddle/analysis";
import type { InjectorValues } from "@heddle/config";
import type { KubeClient } from "@heddle/kube-client";
import type { MeshState } from "@heddle/model";
import type { Clock, Logger } from "@heddle/std";
import { createDebounce } from "../mesh/debounce.ts";
import type { MeshUpdate } from "../mesh/mesh-feed.ts";
import { createClusterAnalysis } from "./cluster-analysis.ts";
import { createResourceStatus } from "./resource-status.ts";

/** Problems of resources, in their status and at `/debug/analyze`. */
export interface ClusterStatus {
  update(update: MeshUpdate): void;
  /** What `heddle analyze -A -o json` prints. Errors: `KubeError`. */
  analysis(): Promise<readonly unknown[]>;
  close(): void;
}

export interface ClusterStatusOptions {
  readonly kube: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** Look for problems between resources after each change and write them down (`PILOT_ENABLE_ANALYSIS`). */
  readonly analyse: boolean;
  readonly state: () => MeshState;
  readonly injector: () => InjectorValues;
  readonly otherClusters: () => readonly OtherCluster[];
}

/** Analysis lists much of the cluster, so it waits for quiet. Units: ms. */
const QUIET_MS = 1000;
const LATEST_MS = 10_000;

export function createClusterStatus(options: ClusterStatusOptions): ClusterStatus {
  const { kube, clock, log, state, injector, otherClusters } = options;
  const resources = createResourceStatus({ kube, clock, log });
  const analysis = createClusterAnalysis({
    kube,
    now: () => clock.now(),
    options: () => {
      const { mesh, domain } = state().settings;
      return { mesh, domain, injector: injector(), otherClusters: otherClusters() };
    },
  });
  const debounce = createDebounce({
    clock,
    quietMs: QUIET_MS,
    urgentMs: QUIET_MS,
    maxMs: LATEST_MS,
    run: () => {
      analysis.run().then(
        (findings) => resources.found(findings),
        (error) => log.warn("analysis failed; it is tried again after the next change", { error }),
      );
    },
  });
  return {
    update: (update) => {
      resources.update(update.state);
      if (options.analyse && update.change.views) debounce.trigger(false);
    },
    analysis: async () => (await analysis.recent()).map(findingJson),
    close: () => {
      debounce.cancel();
      resources.close();
    },
  };
}
