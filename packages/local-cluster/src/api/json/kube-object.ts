import type { KubeObject } from "../../contract/index.ts";
import { badRequest } from "../errors/api-errors.ts";
import { type Dict, type Draft, isDict, text } from "./json-value.ts";

function isKubeObject(value: Dict): value is Dict & KubeObject {
  return typeof value["apiVersion"] === "string" && typeof value["kind"] === "string" && isDict(value["metadata"]);
}

/** Errors: 400 when `apiVersion`, `kind` or `metadata` is missing. */
export function kubeObject(value: Draft): KubeObject {
  if (isKubeObject(value)) return value;
  throw badRequest("the object provided is unrecognized: it needs apiVersion, kind and metadata");
}

export function namespaceOf(object: { readonly metadata: { readonly namespace?: string } }): string {
  return object.metadata.namespace ?? "";
}

/** `apps/v1` → group and version; the core group is "". */
export function splitApiVersion(apiVersion: unknown): { readonly group: string; readonly version: string } {
  const parts = text(apiVersion).split("/");
  const [first = "", second] = parts;
  return second === undefined ? { group: "", version: first } : { group: first, version: second };
}

export function joinApiVersion(group: string, version: string): string {
  return group === "" ? version : `${group}/${version}`;
}
