import { ApiError } from "../../contract/index.ts";
import { describeFieldErrors, type FieldError, invalid } from "./field-errors.ts";

/** What an error needs to know of a resource to name it. */
export interface Named {
  readonly group: string;
  readonly resource: string;
  readonly kind: string;
}

function qualifiedResource(def: Named): string {
  return def.group === "" ? def.resource : `${def.resource}.${def.group}`;
}

function qualifiedKind(def: Named): string {
  return def.group === "" ? def.kind : `${def.kind}.${def.group}`;
}

function resourceDetails(def: Named, name: string): object {
  return { name, ...(def.group === "" ? {} : { group: def.group }), kind: def.resource };
}

export function notFound(def: Named, name: string): ApiError {
  return new ApiError(404, "NotFound", `${qualifiedResource(def)} "${name}" not found`, resourceDetails(def, name));
}

const NO_SUCH_PATH = "the server could not find the requested resource";

export function noSuchPath(): ApiError {
  return new ApiError(404, "NotFound", NO_SUCH_PATH, {});
}

/** Kubernetes answers these in plain text; clients then name the request themselves. */
export function isNoSuchPath(error: unknown): boolean {
  return error instanceof ApiError && error.code === 404 && error.message === NO_SUCH_PATH;
}

export function alreadyExists(def: Named, name: string): ApiError {
  return new ApiError(
    409,
    "AlreadyExists",
    `${qualifiedResource(def)} "${name}" already exists`,
    resourceDetails(def, name),
  );
}

export function conflict(def: Named, name: string, why: string): ApiError {
  return new ApiError(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${qualifiedResource(def)} "${name}": ${why}`,
    resourceDetails(def, name),
  );
}

export const STALE = "the object has been modified; please apply your changes to the latest version and try again";

export function invalidObject(def: Named, name: string, errors: readonly FieldError[]): ApiError {
  return new ApiError(422, "Invalid", `${qualifiedKind(def)} "${name}" is invalid: ${describeFieldErrors(errors)}`, {
    name,
    ...(def.group === "" ? {} : { group: def.group }),
    kind: def.kind,
    causes: errors.map((error) => ({ reason: error.reason, message: error.body, field: error.path })),
  });
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, "BadRequest", message);
}

/** A patch that is well formed but cannot be applied. `cause` says which part. */
export function patchFailed(cause: string): ApiError {
  return new ApiError(422, "Invalid", cause, {});
}

/** A patch after which the object can no longer be read. */
export function invalidPatch(patched: object, why: string): ApiError {
  const error = invalid("patch", JSON.stringify(patched), why);
  return new ApiError(422, "Invalid", ` "" is invalid: ${describeFieldErrors([error])}`, {
    causes: [{ reason: error.reason, message: error.body, field: error.path }],
  });
}

export function unauthorized(): ApiError {
  return new ApiError(401, "Unauthorized", "Unauthorized");
}

/** A refusal on an object: `pods "x" is forbidden: <why>`. */
export function forbidden(def: Named, name: string, why: string): ApiError {
  const subject = name === "" ? qualifiedResource(def) : `${qualifiedResource(def)} "${name}"`;
  return new ApiError(403, "Forbidden", `${subject} is forbidden: ${why}`, resourceDetails(def, name));
}

export function methodNotAllowed(): ApiError {
  return new ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {});
}

export function notAcceptable(types: readonly string[]): ApiError {
  return new ApiError(406, "NotAcceptable", `only the following media types are accepted: ${types.join(", ")}`);
}

export function unsupportedMediaType(types: readonly string[], got = ""): ApiError {
  return new ApiError(
    415,
    "UnsupportedMediaType",
    `the body of the request was in an unknown format${got && ` (${got})`} - accepted media types include: ${types.join(", ")}`,
  );
}

export function tooLarge(): ApiError {
  return new ApiError(413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728");
}

export function expired(message: string): ApiError {
  return new ApiError(410, "Expired", message);
}

export function internalError(message: string): ApiError {
  return new ApiError(500, "InternalError", `Internal error occurred: ${message}`, { causes: [{ message }] });
}

export function serviceUnavailable(message: string): ApiError {
  return new ApiError(503, "ServiceUnavailable", message);
}

/** The `Status` that the wire carries for an error. */
export function statusOf(error: unknown): { readonly code: number; readonly body: object } {
  const known =
    error instanceof ApiError ? error : internalError(error instanceof Error ? error.message : String(error));
  return {
    code: known.code,
    body: {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: known.message,
      reason: known.reason,
      ...(known.details === undefined ? {} : { details: known.details }),
      code: known.code,
    },
  };
}
