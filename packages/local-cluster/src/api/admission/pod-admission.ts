import { forbidden } from "../errors/api-errors.ts";
import { at, child, childIfAny, children, type Draft, int, isEmpty, list, text } from "../json/json-value.ts";
import { fill } from "../kinds/pod-defaults.ts";
import type { Store } from "../store/store.ts";
import type { AdmissionStep } from "./admission.ts";

const EVICTING = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

function addTolerations(spec: Draft): void {
  const present = children(spec, "tolerations");
  const missing = EVICTING.filter(
    (key) =>
      !present.some(
        (item) =>
          (item["key"] === key || isEmpty(item["key"])) && (isEmpty(item["effect"]) || item["effect"] === "NoExecute"),
      ),
  );
  if (missing.length === 0) return;
  const added = missing.map((key) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 }));
  spec["tolerations"] = [...list(spec["tolerations"]), ...added];
}

/** Tolerations and priority of new pods, limits of a namespace's LimitRanges. Errors: 403 for an unknown priority class. */
export function createPodAdmission(store: Store): AdmissionStep {
  function setPriority(spec: Draft, reject: (why: string) => never): void {
    const name = text(spec["priorityClassName"]);
    const classes = store.collection("scheduling.k8s.io/priorityclasses");
    const found =
      name === "" ? classes.list(undefined).find((item) => item["globalDefault"] === true) : classes.get("", name);
    if (!found && name !== "") reject(`no PriorityClass with name ${name} was found`);
    if (found && name === "") spec["priorityClassName"] = found.metadata.name;
    fill(spec, "priority", int(found?.["value"]));
    fill(spec, "preemptionPolicy", text(found?.["preemptionPolicy"], "PreemptLowerPriority"));
  }

  function setLimits(spec: Draft, namespace: string): void {
    for (const range of store.collection("/limitranges").list(namespace)) {
      for (const limit of list(at(range, "spec", "limits"))) {
        if (at(limit, "type") !== "Container") continue;
        for (const container of [...children(spec, "containers"), ...children(spec, "initContainers")]) {
          const resources = child(container, "resources");
          for (const [from, to] of [
            ["default", "limits"],
            ["defaultRequest", "requests"],
          ] as const) {
            const amounts = at(limit, from);
            if (typeof amounts !== "object" || amounts === null) continue;
            for (const [name, amount] of Object.entries(amounts)) fill(child(resources, to), name, amount);
          }
        }
      }
    }
  }

  return {
    mutate(call) {
      const { def, operation, draft, namespace } = call;
      if (def.storageKey !== "/pods" || operation !== "CREATE" || !draft) return draft;
      const spec = childIfAny(draft, "spec");
      if (!spec) return draft;
      addTolerations(spec);
      setPriority(spec, (why) => {
        throw forbidden(def, call.name, why);
      });
      setLimits(spec, namespace);
      return draft;
    },
  };
}
