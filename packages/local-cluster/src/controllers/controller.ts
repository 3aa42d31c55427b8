import type { Clock, Logger } from "@heddle/std";
import { ApiError, type ClusterApi, type KubeObject, type ResourceId } from "../contract/index.ts";
import type { Plan } from "./action.ts";
import { createExecutor } from "./executor.ts";
import { type CacheChange, keyOf, type ObjectCache } from "./object-cache.ts";
import { createWorkQueue } from "./work-queue.ts";

/** One loop: changes put keys into a queue, each key is reconciled into a plan, the plan is carried out. */
export interface Controller {
  start(): void;
  close(): Promise<void>;
}

export interface ControllerDeps {
  readonly api: ClusterApi;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  /** The cache of a resource, one for all controllers. */
  cache(resource: ResourceId): ObjectCache;
}

export interface QueueDefinition {
  /** "deployment-controller": the component of its events. */
  readonly name: string;
  /** Keys worked on side by side. Default: 4. */
  readonly concurrency?: number;
  /** Looks at the caches and says what to do. */
  plan(key: string): Plan | Promise<Plan>;
  /** After a plan with a failure, before it is tried again. */
  onFailure?(key: string, error: unknown): void;
}

export interface ControllerDefinition extends QueueDefinition {
  /** Whose changes matter, and which keys they concern. */
  readonly triggers: readonly Trigger[];
}

export interface Trigger {
  readonly cache: ObjectCache;
  /** Keys to look at; `undefined` entries are skipped. */
  keys(change: CacheChange): readonly (string | undefined)[];
}

export function createController(deps: ControllerDeps, definition: ControllerDefinition): Controller {
  const { controller, add } = createQueueController(deps, definition);
  for (const trigger of definition.triggers) {
    trigger.cache.onChange((change) => {
      for (const key of trigger.keys(change)) if (key !== undefined) add(key);
    });
  }
  return controller;
}

/** A controller whose keys come by `add`. */
export function createQueueController(
  deps: ControllerDeps,
  definition: QueueDefinition,
): { readonly controller: Controller; add(key: string): void } {
  const executor = createExecutor({
    api: deps.api,
    component: definition.name,
    onWritten: (action, object) => {
      if (action.kind !== "event" && !action.resource.resource.includes("/")) deps.cache(action.resource).note(object);
    },
  });
  const queue = createWorkQueue({
    clock: deps.clock,
    ...(definition.concurrency !== undefined && { concurrency: definition.concurrency }),
    async process(key) {
      const plan = await definition.plan(key);
      await executor.run(plan.actions);
      return plan.againInMs;
    },
    onFailure(key, error, retryInMs) {
      const fields = { key, error: error instanceof Error ? error.message : String(error), retryInMs };
      // Someone else wrote first: normal, the next look sees it.
      if (error instanceof ApiError && error.code === 409) deps.log.debug(`${definition.name}: conflict`, fields);
      else deps.log.warn(`${definition.name}: failed, trying again`, fields);
      definition.onFailure?.(key, error);
    },
  });
  return { controller: queue, add: (key) => queue.add(key) };
}

/** Its own key. */
export function itself(change: CacheChange): readonly string[] {
  return [keyOf(change.object)];
}

/** The key of the controlling owner of a kind, before and after the change. */
export function controllerOfKind(kind: string): (change: CacheChange) => readonly (string | undefined)[] {
  const of = (object: KubeObject | undefined): string | undefined => {
    const owner = object?.metadata.ownerReferences?.find((reference) => reference.controller === true);
    return owner?.kind === kind ? `${object?.metadata.namespace ?? ""}/${owner.name}` : undefined;
  };
  return ({ object, previous }) => {
    const now = of(object);
    const before = of(previous);
    return now === before ? [now] : [now, before];
  };
}
