import type { KubeObject } from "../../contract/index.ts";
import type { Column, ResourceDefinition } from "../resources/resource-definition.ts";

export type IncludeObject = "None" | "Metadata" | "Object";

export function partialMetadata(object: KubeObject): object {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata };
}

function columnDefinition(column: Column): object {
  return {
    name: column.name,
    type: column.type ?? "string",
    format: column.format ?? "",
    description: column.description ?? column.name,
    priority: column.priority ?? 0,
  };
}

/** The `Table` that `kubectl get` prints. */
export function tableOf(
  def: ResourceDefinition,
  objects: readonly KubeObject[],
  listMeta: object,
  include: IncludeObject,
  now: number,
  headers = true,
): object {
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: listMeta,
    columnDefinitions: headers ? def.columns.map(columnDefinition) : [],
    rows: objects.map((object) => ({
      cells: def.columns.map((column) => column.cell(object, now) ?? null),
      ...(include === "None" ? {} : { object: include === "Object" ? object : partialMetadata(object) }),
    })),
  };
}
