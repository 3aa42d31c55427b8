import type { Clock, Logger } from "@heddle/std";
import { BUILTIN_RESOURCES } from "../api/resources/builtin.ts";
import type { ClusterApi, ResourceId } from "../contract/index.ts";
import type { Controller, ControllerDeps } from "./controller.ts";
import { createCronJobController } from "./cron-job/cron-job-controller.ts";
import { createDaemonSetController } from "./daemon-set/daemon-set-controller.ts";
import { createDeploymentController } from "./deployment/deployment-controller.ts";
import { createEndpointSliceController, createEndpointsController } from "./endpoints/endpoints-controllers.ts";
import { createGarbageCollector } from "./garbage/garbage-collector.ts";
import { createObjectGraph, type GraphResource } from "./garbage/object-graph.ts";
import { createJobController } from "./job/job-controller.ts";
import { createNamespaceController } from "./namespace/namespace-controller.ts";
import { createNamespaceDefaultsController } from "./namespace/namespace-defaults.ts";
import { createObjectCache, type ObjectCache } from "./object-cache.ts";
import { createReplicaSetController } from "./replica-set/replica-set-controller.ts";
import { DEFINITIONS } from "./resource-ids.ts";
import { createScheduler } from "./scheduler/scheduler.ts";
import { createStatefulSetController } from "./stateful-set/stateful-set-controller.ts";
import { createTokenSecretsController } from "./token-secrets.ts";

export interface ControllersDeps {
  readonly api: ClusterApi;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  /** PEM of the API server's CA, for `kube-root-ca.crt` of each namespace. */
  readonly clusterCa: string;
}

/** What turns wishes into objects: all controllers and the scheduler of one cluster. */
export interface Controllers {
  /** Resolves when all present objects are known and work has begun. */
  start(): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Written by many and owned by nobody: followed by no controller. */
const UNWATCHED: readonly string[] = ["events", "leases"];

export function createControllers(deps: ControllersDeps): Controllers {
  const caches = new Map<string, ObjectCache>();
  let started = false;

  function cache(resource: ResourceId): ObjectCache {
    const key = `${resource.group}/${resource.version}/${resource.resource}`;
    let found = caches.get(key);
    if (found === undefined) {
      found = createObjectCache(deps.api, resource);
      caches.set(key, found);
      // Custom resources come later.
      if (started) void found.start();
    }
    return found;
  }

  const controllerDeps: ControllerDeps = {
    api: deps.api,
    clock: deps.clock,
    random: deps.random,
    log: deps.log,
    cache,
  };
  const builtin = watchable();
  const followed = builtin.filter(({ id }) => !UNWATCHED.includes(id.resource));
  const graph = createObjectGraph({ builtin: followed, definitions: cache(DEFINITIONS), cache });
  const controllers: readonly Controller[] = [
    createScheduler(controllerDeps),
    createDeploymentController(controllerDeps),
    createReplicaSetController(controllerDeps),
    createStatefulSetController(controllerDeps),
    createDaemonSetController(controllerDeps),
    createJobController(controllerDeps),
    createCronJobController(controllerDeps),
    createEndpointSliceController(controllerDeps),
    createEndpointsController(controllerDeps),
    createNamespaceDefaultsController(controllerDeps, deps.clusterCa),
    createTokenSecretsController(controllerDeps, deps.clusterCa),
    createNamespaceController(
      controllerDeps,
      graph,
      builtin.filter(({ id }) => UNWATCHED.includes(id.resource)),
    ),
    createGarbageCollector(controllerDeps, graph),
  ];

  return {
    async start() {
      started = true;
      await Promise.all([...caches.values()].map((each) => each.start()));
      for (const controller of controllers) controller.start();
    },
    async close() {
      for (const each of caches.values()) each.close();
      await Promise.all(controllers.map((controller) => controller.close()));
    },
  };
}

/** One entry for each collection that can be watched. */
function watchable(): readonly GraphResource[] {
  const seen = new Set<string>();
  return BUILTIN_RESOURCES.flatMap((def) => {
    if (!def.stored || !def.verbs.includes("watch") || seen.has(def.storageKey)) return [];
    seen.add(def.storageKey);
    return [
      {
        id: { group: def.group, version: def.version, resource: def.resource },
        kind: def.kind,
        namespaced: def.namespaced,
      },
    ];
  });
}
