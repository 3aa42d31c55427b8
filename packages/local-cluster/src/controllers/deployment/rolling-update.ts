import type { KubeObject } from "../../contract/index.ts";
import type { Action } from "../action.ts";
import { allSets, type RolloutView, specReplicas, statusCount, total } from "./rollout-view.ts";
import { scaleTo } from "./scaling.ts";

/** How many replicas a new ReplicaSet may have now. */
export function newSetReplicas(view: RolloutView): number {
  const present = specReplicas(view.newSet);
  if (view.recreate) return view.replicas;
  const room = view.replicas + view.maxSurge - total(allSets(view), specReplicas);
  return room <= 0 ? present : present + Math.min(room, view.replicas - present);
}

/** One step: first up within `maxSurge`, then down within `maxUnavailable`. Source: Kubernetes' deployment `rolling.go`. */
export function rollOn(view: RolloutView, newSet: KubeObject): readonly Action[] {
  const present = specReplicas(newSet);
  const wanted = present > view.replicas ? view.replicas : newSetReplicas(view);
  if (wanted !== present) return scaleTo(view, newSet, wanted);
  return scaleDownOld(view, newSet);
}

function scaleDownOld(view: RolloutView, newSet: KubeObject): readonly Action[] {
  const minAvailable = view.replicas - view.maxUnavailable;
  const newUnavailable = specReplicas(newSet) - statusCount(newSet, "availableReplicas");
  const most = total(allSets(view), specReplicas) - minAvailable - newUnavailable;
  if (most <= 0) return [];
  const sizes = new Map(view.oldSets.map((set) => [set, specReplicas(set)]));
  let cleaned = 0;
  // Pods that serve nobody go first: they may be what blocks the rollout.
  for (const set of view.oldSets) {
    const unhealthy = specReplicas(set) - statusCount(set, "availableReplicas");
    const step = Math.min(most - cleaned, Math.max(0, unhealthy));
    sizes.set(set, specReplicas(set) - step);
    cleaned += step;
  }
  let spare = total(allSets(view), (set) => statusCount(set, "availableReplicas")) - minAvailable;
  for (const set of view.oldSets) {
    if (spare <= 0) break;
    const step = Math.min(spare, sizes.get(set) ?? 0);
    sizes.set(set, (sizes.get(set) ?? 0) - step);
    spare -= step;
  }
  return view.oldSets
    .filter((set) => sizes.get(set) !== specReplicas(set))
    .flatMap((set) => scaleTo(view, set, sizes.get(set) ?? 0));
}
