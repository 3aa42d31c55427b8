import { at, dict, list, text } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import { NOTHING_TO_DO } from "../action.ts";
import { type Controller, type ControllerDeps, createController } from "../controller.ts";
import { type CacheChange, keyOf, type ObjectCache, splitKey } from "../object-cache.ts";
import { nodeNameOf } from "../pod-state.ts";
import { NODES, PODS, VOLUME_CLAIMS } from "../resource-ids.ts";
import { needsNode, SCHEDULER_NAME, schedulePod } from "./schedule.ts";

/** Gives each pod a node. */
export function createScheduler(deps: ControllerDeps): Controller {
  const pods = deps.cache(PODS);
  const nodes = deps.cache(NODES);
  const claims = deps.cache(VOLUME_CLAIMS);
  const waiting = new Set<string>();
  const allWaiting = () => [...waiting];
  return createController(deps, {
    name: SCHEDULER_NAME,
    // One after the other: each must see what the one before took.
    concurrency: 1,
    triggers: [
      { cache: pods, keys: (change) => podKeys(change, waiting) },
      { cache: nodes, keys: allWaiting },
      { cache: claims, keys: allWaiting },
    ],
    plan(key) {
      const { namespace, name } = splitKey(key);
      const pod = pods.get(namespace, name);
      if (pod === undefined || !needsNode(pod)) {
        waiting.delete(key);
        return NOTHING_TO_DO;
      }
      waiting.add(key);
      const placed = pods.list().filter((other) => nodeNameOf(other) !== "");
      return schedulePod({
        pod,
        nodes: nodes.list(),
        placed,
        claimProblem: claimProblem(pod, claims),
        nowMs: deps.clock.now(),
      });
    },
  });
}

function podKeys({ type, object, previous }: CacheChange, waiting: ReadonlySet<string>): readonly string[] {
  const key = keyOf(object);
  if (needsNode(object) || waiting.has(key)) return [key];
  // A pod that ended makes room.
  const ended = type === "DELETED" || at(object, "status", "phase") !== at(previous, "status", "phase");
  return ended ? [...waiting] : [];
}

function claimProblem(pod: KubeObject, claims: ObjectCache): string | undefined {
  for (const volume of list(at(pod, "spec", "volumes"))) {
    const name = text(at(dict(volume)["persistentVolumeClaim"], "claimName"));
    if (name === "") continue;
    const claim = claims.get(pod.metadata.namespace, name);
    if (claim === undefined) return `persistentvolumeclaim "${name}" not found`;
    if (text(at(claim, "spec", "volumeName")) === "") return "pod has unbound immediate PersistentVolumeClaims";
  }
  return undefined;
}
