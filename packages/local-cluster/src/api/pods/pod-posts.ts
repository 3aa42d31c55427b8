import { ApiError, type KubeObject } from "../../contract/index.ts";
import { conflict } from "../errors/api-errors.ts";
import { at, child, cloneDict, type Dict, dict, int, list, text } from "../json/json-value.ts";
import type { ResourceDefinition } from "../resources/resource-definition.ts";
import { labelSelectorMatcher } from "../store/label-selector.ts";
import type { Store } from "../store/store.ts";
import type { WriteRequest } from "../write/write-request.ts";
import type { Writer } from "../write/writer.ts";

export interface PodPosts {
  /** `POST …/pods/x/binding`: puts a pod on a node. Errors: 409 when it has one. */
  bind(namespace: string, name: string, body: Dict, request: WriteRequest): Promise<KubeObject>;
  /** `POST …/pods/x/eviction`: deletes unless a disruption budget forbids. Errors: 429. */
  evict(namespace: string, name: string, body: Dict, request: WriteRequest): Promise<KubeObject>;
}

const SUCCESS: KubeObject = Object.freeze({
  kind: "Status",
  apiVersion: "v1",
  metadata: { name: "" },
  status: "Success",
  code: 201,
});

export function createPodPosts(store: Store, writer: Writer, def: ResourceDefinition, now: () => string): PodPosts {
  return {
    async bind(namespace, name, body, request) {
      const node = text(at(body, "target", "name"));
      await writer.change(def, namespace, name, { ...request, subresource: "binding", trusted: true }, (present) => {
        const current = text(at(present, "spec", "nodeName"));
        if (current !== "") throw conflict(def, name, `pod ${name} is already assigned to node "${current}"`);
        if (present.metadata.deletionTimestamp !== undefined) {
          throw conflict(def, name, `pod ${name} is being deleted, cannot be assigned to a host`);
        }
        const draft = cloneDict(present);
        child(draft, "spec")["nodeName"] = node;
        const status = child(draft, "status");
        const others = list(status["conditions"]).filter((item) => at(item, "type") !== "PodScheduled");
        status["conditions"] = [
          ...others,
          { type: "PodScheduled", status: "True", lastProbeTime: null, lastTransitionTime: now() },
        ];
        return draft;
      });
      return SUCCESS;
    },
    async evict(namespace, name, body, request) {
      const pod = store.collection(def.storageKey).get(namespace, name);
      const phase = text(at(pod, "status", "phase"));
      if (pod && (phase === "Running" || phase === "Pending")) checkBudgets(store, pod, namespace);
      const options = dict(body["deleteOptions"]);
      const seconds = options["gracePeriodSeconds"];
      await writer.delete(
        def,
        namespace,
        name,
        { gracePeriodSeconds: typeof seconds === "number" ? int(seconds) : undefined },
        request,
      );
      return SUCCESS;
    },
  };
}

function checkBudgets(store: Store, pod: KubeObject, namespace: string): void {
  for (const budget of store.collection("policy/poddisruptionbudgets").list(namespace)) {
    const selector = at(budget, "spec", "selector");
    if (selector === undefined || !labelSelectorMatcher(selector)(pod.metadata.labels)) continue;
    if (int(at(budget, "status", "disruptionsAllowed")) > 0) continue;
    const message = "Cannot evict pod as it would violate the pod's disruption budget.";
    const needed = `The disruption budget ${budget.metadata.name} needs ${int(at(budget, "status", "desiredHealthy"))} healthy pods and has ${int(at(budget, "status", "currentHealthy"))} currently`;
    throw new ApiError(429, "TooManyRequests", message, { causes: [{ reason: "DisruptionBudget", message: needed }] });
  }
}
