import type { KubeObject } from "../../contract/index.ts";
import type { Action } from "../action.ts";
import { REPLICA_SETS } from "../resource-ids.ts";
import { DESIRED_REPLICAS, desiredReplicas, MAX_REPLICAS, replicasAnnotations } from "./rollout-annotations.ts";
import { allSets, type RolloutView, specReplicas, statusCount, total } from "./rollout-view.ts";

/** Sets a ReplicaSet's replicas, with the event that `kubectl describe` shows. */
export function scaleTo(view: RolloutView, set: KubeObject, to: number): readonly Action[] {
  const from = specReplicas(set);
  const annotations = replicasAnnotations(view.replicas, view.replicas + view.maxSurge);
  const annotated =
    set.metadata.annotations?.[DESIRED_REPLICAS] === annotations[DESIRED_REPLICAS] &&
    set.metadata.annotations?.[MAX_REPLICAS] === annotations[MAX_REPLICAS];
  if (from === to && annotated) return [];
  const patch = { metadata: { annotations }, spec: { replicas: to } };
  const message = `Scaled ${to > from ? "up" : "down"} replica set ${set.metadata.name} from ${from} to ${to}`;
  return [
    {
      kind: "patch",
      resource: REPLICA_SETS,
      object: set,
      patch,
      ifUnchanged: true,
      ...(from !== to && { tell: { about: view.deployment, success: { reason: "ScalingReplicaSet", message } } }),
    },
  ];
}

/** The Deployment itself was scaled since its ReplicaSets were last told. */
export function isScalingEvent(view: RolloutView): boolean {
  return allSets(view).some(
    (set) => specReplicas(set) > 0 && desiredReplicas(set) !== undefined && desiredReplicas(set) !== view.replicas,
  );
}

/** Spreads a new number of replicas over the ReplicaSets without moving the rollout on. Source: Kubernetes' deployment `sync.go`, `scale`. */
export function scaleProportionally(view: RolloutView): readonly Action[] {
  const active = allSets(view).filter((set) => specReplicas(set) > 0);
  const only = active.length > 1 ? undefined : (active[0] ?? view.newSet ?? view.oldSets.at(-1));
  if (only !== undefined) return scaleTo(view, only, view.replicas);
  if (isSaturated(view))
    return view.oldSets.filter((set) => specReplicas(set) > 0).flatMap((set) => scaleTo(view, set, 0));
  if (view.recreate) return [];
  const present = total(active, specReplicas);
  const allowed = view.replicas > 0 ? view.replicas + view.maxSurge : 0;
  const toAdd = allowed - present;
  // Larger ones first, so that they take most of the change; newer first when growing, older first when shrinking.
  const ordered = (toAdd > 0 ? active.toReversed() : active).toSorted((a, b) => specReplicas(b) - specReplicas(a));
  let added = 0;
  const sizes = ordered.map((set) => {
    const share =
      toAdd === 0
        ? 0
        : clampShare(
            Math.round((specReplicas(set) * allowed) / (mostReplicas(set) ?? present)) - specReplicas(set),
            toAdd - added,
          );
    added += share;
    return specReplicas(set) + share;
  });
  return ordered.flatMap((set, index) =>
    scaleTo(view, set, Math.max(0, (sizes[index] ?? 0) + (index === 0 ? toAdd - added : 0))),
  );
}

function mostReplicas(set: KubeObject): number | undefined {
  const text = set.metadata.annotations?.[MAX_REPLICAS];
  return text === undefined ? undefined : Number(text) || undefined;
}

function clampShare(share: number, left: number): number {
  return left >= 0 ? Math.min(Math.max(share, 0), left) : Math.max(Math.min(share, 0), left);
}

function isSaturated(view: RolloutView): boolean {
  const { newSet, replicas } = view;
  return (
    newSet !== undefined &&
    specReplicas(newSet) === replicas &&
    desiredReplicas(newSet) === replicas &&
    statusCount(newSet, "availableReplicas") === replicas
  );
}
