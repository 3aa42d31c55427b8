import { ApiError } from "../../contract/index.ts";
import { notFound } from "../errors/api-errors.ts";
import type { Store } from "../store/store.ts";
import type { AdmissionStep } from "./admission.ts";

/** Nothing is created in a namespace that is missing or going. Errors: 404 and 403. */
export function createNamespaceLifecycle(store: Store): AdmissionStep {
  return {
    mutate(call) {
      const { def, operation, draft, namespace } = call;
      if (operation !== "CREATE" || !def.namespaced) return draft;
      const found = store.collection("/namespaces").get("", namespace);
      if (!found) throw notFound({ group: "", resource: "namespaces", kind: "Namespace" }, namespace);
      if (found.metadata.deletionTimestamp === undefined) return draft;
      const qualified = def.group === "" ? def.resource : `${def.resource}.${def.group}`;
      const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
      throw new ApiError(403, "Forbidden", `${qualified} "${call.name}" is forbidden: ${why}`, {
        name: call.name,
        ...(def.group === "" ? {} : { group: def.group }),
        kind: def.resource,
        causes: [
          {
            reason: "NamespaceTerminating",
            message: `namespace ${namespace} is being terminated`,
            field: "metadata.namespace",
          },
        ],
      });
    },
  };
}
