import { at, list, sameJson } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import type { Action, Plan } from "../action.ts";
import { NOTHING_TO_DO } from "../action.ts";
import { describeResource, type GraphObject } from "../garbage/object-graph.ts";
import { NAMESPACES } from "../resource-ids.ts";
import { withCondition } from "../status-conditions.ts";

const FINALIZER = "kubernetes";

/** Deletes everything in a namespace that is being deleted, then lets it go. Source: Kubernetes' namespace controller. */
export function reconcileNamespace(observed: {
  readonly namespace: KubeObject;
  readonly contents: readonly GraphObject[];
  readonly nowMs: number;
}): Plan {
  const { namespace, contents } = observed;
  const finalizers = list(at(namespace, "spec", "finalizers"));
  if (namespace.metadata.deletionTimestamp === undefined || !finalizers.includes(FINALIZER)) return NOTHING_TO_DO;
  if (contents.length === 0) {
    const patch = { spec: { finalizers: finalizers.filter((name) => name !== FINALIZER) } };
    return { actions: [{ kind: "patch", resource: NAMESPACES, object: namespace, patch, subresource: "finalize" }] };
  }
  const actions = contents
    .filter(({ object }) => object.metadata.deletionTimestamp === undefined)
    .map(
      ({ resource, object }): Action => ({
        kind: "delete",
        resource: resource.id,
        object,
        options: { propagationPolicy: "Background" },
      }),
    );
  return { actions: actions.length > 0 ? actions : remaining(observed) };
}

/** Says what the namespace waits for. */
function remaining(observed: {
  readonly namespace: KubeObject;
  readonly contents: readonly GraphObject[];
  readonly nowMs: number;
}): readonly Action[] {
  const { namespace, contents, nowMs } = observed;
  const counts = new Map<string, number>();
  for (const { resource } of contents)
    counts.set(describeResource(resource), (counts.get(describeResource(resource)) ?? 0) + 1);
  const text = [...counts].map(([what, count]) => `${what} has ${count} resource instances`).join(", ");
  const present = at(namespace, "status", "conditions");
  let conditions = withCondition(
    present,
    {
      type: "NamespaceContentRemaining",
      status: "True",
      reason: "SomeResourcesRemain",
      message: `Some resources are remaining: ${text}`,
    },
    nowMs,
    false,
  );
  const held = [...new Set(contents.flatMap(({ object }) => object.metadata.finalizers ?? []))];
  if (held.length > 0) {
    const message = `Some content in the namespace has finalizers remaining: ${held.join(", ")}`;
    conditions = withCondition(
      conditions,
      { type: "NamespaceFinalizersRemaining", status: "True", reason: "SomeFinalizersRemain", message },
      nowMs,
      false,
    );
  }
  if (sameJson(conditions, list(present))) return [];
  return [
    {
      kind: "patch",
      resource: NAMESPACES,
      object: namespace,
      patch: { status: { conditions } },
      subresource: "status",
    },
  ];
}
