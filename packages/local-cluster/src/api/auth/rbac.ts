import type { KubeObject } from "../../contract/index.ts";
import { at, type Dict, dict, list, text } from "../json/json-value.ts";
import type { Store } from "../store/store.ts";
import type { Actor } from "../write/write-request.ts";

/** One question to the authorizer. */
export type Attributes =
  | { readonly kind: "path"; readonly verb: string; readonly path: string }
  | {
      readonly kind: "resource";
      readonly verb: string;
      readonly group: string;
      readonly resource: string;
      readonly subresource: string;
      readonly namespace: string;
      readonly name: string;
    };

export interface Decision {
  readonly allowed: boolean;
  readonly reason: string;
}

export interface Authorizer {
  decide(actor: Actor, attributes: Attributes): Decision;
  /** All rules that the actor has in a namespace, for `kubectl auth can-i --list`. */
  rules(actor: Actor, namespace: string): readonly Dict[];
}

const GROUP = "rbac.authorization.k8s.io";

function subjectMatches(subject: Dict, actor: Actor): boolean {
  const name = text(subject["name"]);
  switch (subject["kind"]) {
    case "User":
      return name === actor.name;
    case "Group":
      return actor.groups.includes(name);
    case "ServiceAccount":
      return actor.name === `system:serviceaccount:${text(subject["namespace"])}:${name}`;
    default:
      return false;
  }
}

function has(values: unknown, wanted: string): boolean {
  return list(values).some((value) => value === "*" || value === wanted);
}

function resourceMatches(resources: unknown, resource: string, subresource: string): boolean {
  const combined = subresource === "" ? resource : `${resource}/${subresource}`;
  return list(resources).some(
    (value) => value === "*" || value === combined || (subresource !== "" && value === `*/${subresource}`),
  );
}

function pathMatches(patterns: unknown, path: string): boolean {
  return list(patterns).some((value) => {
    const pattern = text(value);
    return pattern === "*" || pattern === path || (pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1)));
  });
}

function ruleAllows(rule: Dict, attributes: Attributes): boolean {
  if (!has(rule["verbs"], attributes.verb)) return false;
  if (attributes.kind === "path") return pathMatches(rule["nonResourceURLs"], attributes.path);
  if (!has(rule["apiGroups"], attributes.group)) return false;
  if (!resourceMatches(rule["resources"], attributes.resource, attributes.subresource)) return false;
  const names = list(rule["resourceNames"]);
  return names.length === 0 || names.includes(attributes.name);
}

/** RBAC from the roles and bindings in the store, as they are at the moment of the question. */
export function createRbacAuthorizer(store: Store): Authorizer {
  const collection = (resource: string) => store.collection(`${GROUP}/${resource}`);

  function roleRules(binding: KubeObject): readonly unknown[] {
    const name = text(at(binding, "roleRef", "name"));
    const clusterWide = at(binding, "roleRef", "kind") === "ClusterRole";
    const role = clusterWide
      ? collection("clusterroles").get("", name)
      : collection("roles").get(binding.metadata.namespace ?? "", name);
    return list(role?.["rules"]);
  }

  function* grants(actor: Actor, namespace: string): Generator<{ binding: KubeObject; rules: readonly unknown[] }> {
    const clusterBindings = collection("clusterrolebindings").list(undefined);
    const bindings = namespace === "" ? [] : collection("rolebindings").list(namespace);
    for (const binding of [...clusterBindings, ...bindings]) {
      if (list(binding["subjects"]).some((subject) => subjectMatches(dict(subject), actor))) {
        yield { binding, rules: roleRules(binding) };
      }
    }
  }

  return {
    decide(actor, attributes) {
      if (actor.groups.includes("system:masters")) return { allowed: true, reason: "" };
      const namespace = attributes.kind === "resource" ? attributes.namespace : "";
      for (const { binding, rules } of grants(actor, namespace)) {
        if (!rules.some((rule) => ruleAllows(dict(rule), attributes))) continue;
        const { kind, metadata } = binding;
        const place = metadata.namespace === undefined ? metadata.name : `${metadata.name}/${metadata.namespace}`;
        const subject = list(binding["subjects"])
          .map(dict)
          .find((item) => subjectMatches(item, actor));
        const roleKind = text(at(binding, "roleRef", "kind"));
        const roleName = text(at(binding, "roleRef", "name"));
        const who =
          subject?.["kind"] === "ServiceAccount"
            ? `ServiceAccount "${text(subject["name"])}/${text(subject["namespace"])}"`
            : `${text(subject?.["kind"])} "${text(subject?.["name"])}"`;
        return { allowed: true, reason: `RBAC: allowed by ${kind} "${place}" of ${roleKind} "${roleName}" to ${who}` };
      }
      return { allowed: false, reason: "" };
    },
    rules(actor, namespace) {
      if (actor.groups.includes("system:masters")) {
        return [
          { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
          { verbs: ["*"], nonResourceURLs: ["*"] },
        ];
      }
      return [...grants(actor, namespace)].flatMap(({ rules }) => rules.map(dict));
    },
  };
}

/** `User "x" cannot list resource "pods" in API group "" in the namespace "y"`. */
export function describeRefusal(actor: Actor, attributes: Attributes): string {
  const who = `User ${JSON.stringify(actor.name)}`;
  if (attributes.kind === "path") return `${who} cannot ${attributes.verb} path ${JSON.stringify(attributes.path)}`;
  const { verb, group, resource, subresource, namespace } = attributes;
  const what = subresource === "" ? resource : `${resource}/${subresource}`;
  const where = namespace === "" ? " at the cluster scope" : ` in the namespace ${JSON.stringify(namespace)}`;
  return `${who} cannot ${verb} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)}${where}`;
}
