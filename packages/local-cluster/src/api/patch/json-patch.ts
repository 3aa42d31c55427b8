import jsonPatch, { type Operation } from "fast-json-patch";
import { badRequest, patchFailed } from "../errors/api-errors.ts";
import { cloneDict, cloneValue, type Dict, type Draft, isDict } from "../json/json-value.ts";

function isOperation(value: unknown): value is Operation {
  return isDict(value) && typeof value["op"] === "string" && typeof value["path"] === "string";
}

/** RFC 6902. Errors: 400 for what is no list, 422 when an operation cannot be done. */
export function jsonPatched(object: Dict, patch: unknown): Draft {
  if (!Array.isArray(patch)) {
    throw badRequest(
      "json: cannot unmarshal object into Go value of type jsonpatch.Patch (a JSON patch is a list of operations)",
    );
  }
  const operations = patch.map((item: unknown) => {
    if (!isOperation(item)) throw patchFailed(`invalid JSON patch operation: ${JSON.stringify(item)}`);
    return item;
  });
  const draft = cloneDict(object);
  for (const operation of operations) {
    const failure = jsonPatch.validate([operation], cloneDict(draft));
    if (failure) throw patchFailed(describe(operation, failure.name));
    jsonPatch.applyOperation(draft, { ...operation, ...ownValue(operation) }, false, true, true);
  }
  return draft;
}

/** The document must not share parts with the patch. */
function ownValue(operation: Operation): object {
  return "value" in operation ? { value: cloneValue(operation.value) } : {};
}

function describe(operation: Operation, name: string): string {
  const { op, path } = operation;
  if (name === "TEST_OPERATION_FAILED" || op === "test") return `testing value ${path} failed: test failed`;
  if (op === "remove") return `remove operation does not apply: doc is missing key: ${path}: missing value`;
  if (op === "replace") return `replace operation does not apply: doc is missing key: ${path}: missing value`;
  if (op === "add") return `add operation does not apply: doc is missing path: "${path}": missing value`;
  return `the JSON patch operation ${op} on ${path} does not apply: ${name}`;
}
