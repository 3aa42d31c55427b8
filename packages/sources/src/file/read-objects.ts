import { asKubeObject, isObject, type KubeObject } from "@heddle/config";
import { parseAllDocuments } from "yaml";

/** The objects in a YAML or JSON text (several documents, `List`s), and what is wrong with it. */
export interface ReadObjects {
  readonly objects: readonly KubeObject[];
  /** Sentences; the text counts as broken when there is one. */
  readonly problems: readonly string[];
}

/** @param defaultNamespace Given to objects of namespaced-looking kinds that have none, as `kubectl` would. */
export function readObjects(text: string, defaultNamespace: string): ReadObjects {
  const objects: KubeObject[] = [];
  const problems: string[] = [];
  const take = (value: unknown, where: string): void => {
    if (value === null || value === undefined) return;
    if (
      isObject(value) &&
      typeof value["kind"] === "string" &&
      value["kind"].endsWith("List") &&
      Array.isArray(value["items"])
    ) {
      for (const [i, item] of value["items"].entries()) take(item, `${where}, item ${i + 1}`);
      return;
    }
    const object = asKubeObject(value);
    if (object === undefined) problems.push(`${where} has no apiVersion, kind or metadata.name`);
    else objects.push(withNamespace(object, defaultNamespace));
  };
  for (const [i, document] of parseAllDocuments(text, { uniqueKeys: true }).entries()) {
    const where = `document ${i + 1}`;
    const [error] = document.errors;
    if (error !== undefined) {
      problems.push(`${where} is not valid YAML: ${error.message.split("\n")[0]}`);
      continue;
    }
    try {
      take(document.toJS({ maxAliasCount: 100 }), where);
    } catch (cause) {
      problems.push(`${where} is not usable YAML: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }
  return { objects, problems };
}

const clusterScoped = new Set([
  "Namespace",
  "Node",
  "GatewayClass",
  "CustomResourceDefinition",
  "ClusterRole",
  "ClusterRoleBinding",
]);

function withNamespace(object: KubeObject, namespace: string): KubeObject {
  if (object.metadata.namespace !== undefined || clusterScoped.has(object.kind)) return object;
  return { ...object, metadata: { ...object.metadata, namespace } };
}
