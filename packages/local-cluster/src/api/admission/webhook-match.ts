import type { KubeObject } from "../../contract/index.ts";
import { at, type Dict, dict, isDict, list, text } from "../json/json-value.ts";
import type { Registry } from "../resources/registry.ts";
import type { ResourceDefinition } from "../resources/resource-definition.ts";
import { labelSelectorMatcher } from "../store/label-selector.ts";
import type { Store } from "../store/store.ts";
import type { AdmissionCall } from "./admission.ts";

function includes(values: unknown, wanted: string): boolean {
  return list(values).some((value) => value === "*" || value === wanted);
}

function resourceIncluded(rule: Dict, resource: string, subresource: string): boolean {
  return list(rule["resources"]).some((value) => {
    const [name = "", part = ""] = text(value).split("/");
    return (name === "*" || name === resource) && (part === "*" || part === subresource);
  });
}

function ruleMatches(rule: Dict, call: AdmissionCall, def: ResourceDefinition): boolean {
  const scope = text(rule["scope"], "*");
  if (scope !== "*" && (scope === "Namespaced") !== def.namespaced) return false;
  return (
    includes(rule["operations"], call.operation) &&
    includes(rule["apiGroups"], def.group) &&
    includes(rule["apiVersions"], def.version) &&
    resourceIncluded(rule, def.resource, call.request.subresource)
  );
}

/** The labels by which `namespaceSelector` decides; undefined where it does not apply. */
function namespaceLabels(call: AdmissionCall, store: Store): unknown {
  if (call.def.storageKey === "/namespaces") return at(call.draft ?? call.present, "metadata", "labels") ?? {};
  if (!call.def.namespaced) return undefined;
  return store.collection("/namespaces").get("", call.namespace)?.metadata.labels ?? {};
}

function selected(hook: Dict, call: AdmissionCall, store: Store): boolean {
  const labels = namespaceLabels(call, store);
  if (labels !== undefined && !labelSelectorMatcher(hook["namespaceSelector"])(dict(labels))) return false;
  const matches = labelSelectorMatcher(hook["objectSelector"]);
  const objects: (Dict | KubeObject | undefined)[] = [call.draft, call.present];
  return objects.some((object) => isDict(object) && matches(dict(at(object, "metadata", "labels"))));
}

/** The version in which a webhook gets the object; undefined when the webhook is not concerned. */
export function matchWebhook(
  hook: Dict,
  call: AdmissionCall,
  store: Store,
  registry: Registry,
): ResourceDefinition | undefined {
  const rules = list(hook["rules"]).map(dict);
  const matches = (def: ResourceDefinition) => rules.some((rule) => ruleMatches(rule, call, def));
  let def: ResourceDefinition | undefined = matches(call.def) ? call.def : undefined;
  if (!def && hook["matchPolicy"] !== "Exact") {
    def = registry.all().find((other) => other.storageKey === call.def.storageKey && matches(other));
  }
  return def && selected(hook, call, store) ? def : undefined;
}
