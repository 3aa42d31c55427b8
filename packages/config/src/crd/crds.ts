import { type RefusedKind, refusedKinds } from "../istio/refused-kinds.ts";
import type { JsonObject } from "../json.ts";
import { definitions } from "../resources.ts";
import type { ResourceDefinition } from "../schema/resource.ts";

/**
 * The custom resource definitions that `heddle install` brings: one for each kind that the mesh acts on, all served versions with one
 * schema. A kind that it would ignore has none, or one that takes no object, so that applying it fails instead of doing nothing.
 */
export function crds(): readonly JsonObject[] {
  return [...definitions.map(crdOf), ...refusedKinds.map(refusingCrd)];
}

/** A kind that can be listed, and of which nothing can be stored. */
function refusingCrd({ group, kind, plural, versions, reason }: RefusedKind): JsonObject {
  const schema = {
    type: "object",
    "x-kubernetes-preserve-unknown-fields": true,
    "x-kubernetes-validations": [{ rule: "false", message: reason }],
  };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: `${plural}.${group}`,
      labels: { "app.kubernetes.io/part-of": "heddle", "app.kubernetes.io/managed-by": "heddle" },
    },
    spec: {
      group,
      scope: "Namespaced",
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      versions: versions.map((name, i) => ({
        name,
        served: true,
        storage: i === 0,
        schema: { openAPIV3Schema: schema },
      })),
    },
  };
}

/** One CRD from the definition that also parses the kind. Source: apiextensions.k8s.io/v1. */
export function crdOf(definition: ResourceDefinition<string, unknown>): JsonObject {
  const schema: JsonObject = {
    type: "object",
    properties: {
      spec: definition.spec.openApi,
      status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    },
  };
  const columns = [
    ...definition.columns.map(({ name, type, jsonPath, description }) => ({ name, type, jsonPath, description })),
    ...(definition.columns.some((c) => c.name === "Age")
      ? []
      : [{ name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp", description: "Time since creation" }]),
  ];
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: `${definition.plural}.${definition.group}`,
      labels: { "app.kubernetes.io/part-of": "heddle", "app.kubernetes.io/managed-by": "heddle" },
    },
    spec: {
      group: definition.group,
      scope: definition.scope,
      names: {
        kind: definition.kind,
        listKind: `${definition.kind}List`,
        plural: definition.plural,
        singular: definition.kind.toLowerCase(),
        shortNames: [...definition.shortNames],
        categories: [...definition.categories],
      },
      versions: definition.versions.map((name, i) => ({
        name,
        served: true,
        storage: i === 0,
        subresources: { status: {} },
        additionalPrinterColumns: columns,
        schema: { openAPIV3Schema: schema },
      })),
    },
  };
}
