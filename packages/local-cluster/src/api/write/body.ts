import { ApiError } from "../../contract/index.ts";
import { badRequest } from "../errors/api-errors.ts";
import { at, child, type Draft, isDict, text } from "../json/json-value.ts";
import { joinApiVersion } from "../json/kube-object.ts";
import type { ResourceDefinition } from "../resources/resource-definition.ts";
import type { WriteRequest } from "./write-request.ts";

/**
 * Brings a body to the form that the rest expects: type meta filled, names as the URL says, unknown fields reported and dropped.
 * Errors: 400 with Kubernetes' words for what does not fit.
 */
export function checkBody(
  draft: Draft,
  def: ResourceDefinition,
  namespace: string,
  name: string | undefined,
  request: WriteRequest,
): void {
  const apiVersion = joinApiVersion(def.group, def.version);
  checkType(draft, def, apiVersion);
  if (draft["metadata"] !== undefined && draft["metadata"] !== null && !isDict(draft["metadata"])) {
    throw badRequest(
      `${def.kind} in version "${def.version}" cannot be handled as a ${def.kind}: json: cannot unmarshal ${typeof draft["metadata"]} into Go struct field ${def.kind}.metadata of type v1.ObjectMeta`,
    );
  }
  decodeFields(draft, def, request);
  const metadata = child(draft, "metadata");
  const given = text(metadata["namespace"]);
  if (def.namespaced && given !== "" && given !== namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  if (name === undefined) return;
  const givenName = text(metadata["name"]);
  if (givenName === "") metadata["name"] = name;
  else if (givenName !== name) {
    throw badRequest(`the name of the object (${givenName}) does not match the name on the URL (${name})`);
  }
}

function checkType(draft: Draft, def: ResourceDefinition, apiVersion: string): void {
  if (text(draft["kind"]) === "" && text(draft["apiVersion"]) === "" && !def.custom) {
    draft["kind"] = def.kind;
    draft["apiVersion"] = apiVersion;
  }
  const kind = text(draft["kind"]);
  const version = text(draft["apiVersion"]);
  if (kind === "") throw badRequest(`Object 'Kind' is missing in '${JSON.stringify(draft).slice(0, 500)}'`);
  if (version !== apiVersion && !def.subresources.some((sub) => sub.kind === kind)) {
    throw badRequest(
      `the API version in the data (${version}) does not match the expected API version (${apiVersion})`,
    );
  }
  if (kind !== def.kind) {
    throw badRequest(
      `${kind} in version "${def.version}" cannot be handled as a ${def.kind}: converting (${version}, Kind=${kind}) to (${apiVersion}, Kind=${def.kind}): unknown conversion`,
    );
  }
}

function decodeFields(draft: Draft, def: ResourceDefinition, request: WriteRequest): void {
  if (!def.decoder) return;
  let unknown: readonly string[];
  try {
    unknown = def.decoder.decode(draft, def);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw badRequest(
      `${def.kind} in version "${def.version}" cannot be handled as a ${def.kind}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  reportUnknown(unknown, def, request, text(at(draft, "metadata", "name")));
}

/** Errors: 400 under `Strict`; otherwise warnings, or nothing under `Ignore`. */
export function reportUnknown(
  problems: readonly string[],
  def: ResourceDefinition,
  request: WriteRequest,
  _name: string,
): void {
  if (problems.length === 0 || request.fieldValidation === "Ignore") return;
  if (request.fieldValidation === "Warn") {
    request.warnings.push(...problems);
    return;
  }
  const body = `strict decoding error: ${problems.join(", ")}`;
  throw badRequest(
    def.custom
      ? `${def.kind} in version "${def.version}" cannot be handled as a ${def.kind}: ${body}`
      : `${def.kind} in version "${def.version}" cannot be handled as a ${def.kind}: ${body}`,
  );
}
