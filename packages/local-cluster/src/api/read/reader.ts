import type { KubeObject } from "../../contract/index.ts";
import { ApiError } from "../../contract/index.ts";
import { badRequest, expired, invalidObject, notFound } from "../errors/api-errors.ts";
import { type FieldError, forbiddenField, unsupportedInOrder } from "../errors/field-errors.ts";
import { dict, int, text } from "../json/json-value.ts";
import { namespaceOf } from "../json/kube-object.ts";
import type { ResourceDefinition } from "../resources/resource-definition.ts";
import type { Store } from "../store/store.ts";
import { type ParsedSelection, select } from "./selection.ts";

export interface ListQuery {
  readonly limit: number;
  readonly continueToken: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
}

export interface ListPage {
  readonly items: readonly KubeObject[];
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
}

export function getObject(store: Store, def: ResourceDefinition, namespace: string, name: string): KubeObject {
  const found = store.collection(def.storageKey).get(def.namespaced ? namespace : "", name);
  if (!found) throw notFound(def, name);
  return found;
}

/** Errors: 400 for a wrong token or match, 410 for an old one, 504 for a version that is yet to come. */
export function listPage(
  store: Store,
  def: ResourceDefinition,
  selection: ParsedSelection,
  query: ListQuery,
): ListPage {
  checkVersion(store, query);
  const all = select(store.collection(def.storageKey).list(selection.namespace), selection);
  if (query.limit <= 0 && query.continueToken === "") {
    return { items: all, metadata: { resourceVersion: String(store.version) } };
  }
  const token = query.continueToken === "" ? undefined : decodeToken(query.continueToken);
  if (token && store.collection(def.storageKey).since(token.version) === undefined) {
    throw expired(
      "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results.",
    );
  }
  // Later pages carry the first page's version: a watch from it repeats whatever changed in between.
  const version = token?.version ?? store.version;
  const rest = token ? all.filter((object) => keyOf(object) > token.after) : all;
  const items = query.limit > 0 ? rest.slice(0, query.limit) : rest;
  const last = items.at(-1);
  const remaining = rest.length - items.length;
  if (remaining === 0 || !last) return { items, metadata: { resourceVersion: String(version) } };
  return {
    items,
    metadata: {
      resourceVersion: String(version),
      continue: encodeToken({ version, after: keyOf(last) }),
      ...(selection.matches ? {} : { remainingItemCount: remaining }),
    },
  };
}

interface Token {
  readonly version: number;
  readonly after: string;
}

function keyOf(object: KubeObject): string {
  return `${namespaceOf(object)}\u0000${object.metadata.name}`;
}

function encodeToken(token: Token): string {
  return Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv: token.version, start: token.after })).toString(
    "base64url",
  );
}

function decodeToken(source: string): Token {
  try {
    const parsed = dict(JSON.parse(Buffer.from(source, "base64url").toString()));
    if (text(parsed["start"]) !== "") return { version: int(parsed["rv"]), after: text(parsed["start"]) };
  } catch {
    // Falls through to the same answer as for a token without content.
  }
  throw badRequest(
    "invalid continue token: continue key is not valid: it must be the value that an earlier list returned",
  );
}

const LIST_OPTIONS = { group: "meta.k8s.io", kind: "ListOptions", resource: "" };

/** Source: apimachinery meta/internalversion/validation. */
function matchErrors(match: string, resourceVersion: string): readonly FieldError[] {
  if (match === "") return [];
  const path = "resourceVersionMatch";
  const errors: FieldError[] = [];
  if (resourceVersion === "")
    errors.push(forbiddenField(path, "resourceVersionMatch is forbidden unless resourceVersion is provided"));
  if (match !== "Exact" && match !== "NotOlderThan")
    errors.push(unsupportedInOrder(path, match, ["Exact", "NotOlderThan", ""]));
  if (match === "Exact" && resourceVersion === "0")
    errors.push(forbiddenField(path, `resourceVersionMatch "exact" is forbidden for resourceVersion "0"`));
  return errors;
}

function checkVersion(store: Store, query: ListQuery): void {
  const { resourceVersion, resourceVersionMatch } = query;
  const wrong = matchErrors(resourceVersionMatch, resourceVersion);
  if (wrong.length > 0) throw invalidObject(LIST_OPTIONS, "", wrong);
  if (resourceVersion === "" || resourceVersion === "0") return;
  const version = Number(resourceVersion);
  if (!Number.isSafeInteger(version) || version < 0) {
    throw badRequest(
      `invalid resource version: resourceVersion: Invalid value: "${resourceVersion}": strconv.ParseUint: parsing "${resourceVersion}": invalid syntax`,
    );
  }
  if (version > store.version) {
    throw new ApiError(504, "Timeout", `Timeout: Too large resource version: ${version}, current: ${store.version}`, {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: 1,
    });
  }
  if (resourceVersionMatch === "Exact" && version !== store.version) {
    throw expired(`The resourceVersion for the provided list is too old: ${version}.`);
  }
}
