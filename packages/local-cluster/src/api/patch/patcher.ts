import { ApiError, type KubeObject } from "../../contract/index.ts";
import { badRequest, conflict, invalidPatch, unsupportedMediaType } from "../errors/api-errors.ts";
import { APPLIED, type FieldTracker } from "../fields/managed-fields.ts";
import { parseText } from "../http/exchange.ts";
import { at, cloneDict, type Dict, type Draft, isDict, text } from "../json/json-value.ts";
import type { ResourceTarget } from "../resources/resource-target.ts";
import { scaleOf, withReplicas } from "../resources/scale.ts";
import type { Typing } from "../schema/decoders.ts";
import type { Store } from "../store/store.ts";
import { checkBody } from "../write/body.ts";
import type { WriteRequest } from "../write/write-request.ts";
import type { Writer } from "../write/writer.ts";
import { jsonPatched } from "./json-patch.ts";
import { mergePatched } from "./merge-patch.ts";
import { strategicMerge } from "./strategic-merge.ts";

export interface Patched {
  readonly object: KubeObject;
  readonly created: boolean;
}

/** All kinds of PATCH. Errors: 415 for another content type, 400 and 422 for a patch that does not fit. */
export interface Patcher {
  patch(
    target: ResourceTarget,
    contentType: string,
    source: string,
    request: WriteRequest,
    force: boolean,
  ): Promise<Patched>;
}

export interface PatcherDeps {
  readonly writer: Writer;
  readonly store: Store;
  readonly typing: Typing;
  readonly tracker: FieldTracker;
}

const JSON_PATCH = "application/json-patch+json";
const MERGE_PATCH = "application/merge-patch+json";
const STRATEGIC_PATCH = "application/strategic-merge-patch+json";
const APPLY_PATCH = "application/apply-patch+yaml";

export function createPatcher(deps: PatcherDeps): Patcher {
  const { writer, typing, tracker, store } = deps;

  /** What a patch makes of an object; `scale` patches a view of it. */
  function change(
    target: ResourceTarget,
    request: WriteRequest,
    patched: (object: Dict) => Draft,
  ): Promise<KubeObject> {
    const { def, namespace, name, subresource } = target;
    return writer.change(def, namespace, name, request, (present) => {
      if (subresource === "scale") return withReplicas(def, present, patched(scaleOf(def, present)));
      const shown = { ...present, apiVersion: def.group === "" ? def.version : `${def.group}/${def.version}` };
      const draft = patched(shown);
      try {
        checkBody(draft, def, namespace, name, request);
      } catch (error) {
        const unreadable = / cannot be handled as a \w+: (.*)$/s.exec(error instanceof ApiError ? error.message : "");
        throw unreadable ? invalidPatch(draft, unreadable[1] ?? "") : error;
      }
      return draft;
    });
  }

  async function apply(target: ResourceTarget, config: Dict, request: WriteRequest, force: boolean): Promise<Patched> {
    const { def, namespace, name, subresource } = target;
    if (request.fieldManager === "") throw badRequest("fieldManager is required for apply patch");
    if (text(at(config, "metadata", "managedFields")) !== "" || at(config, "metadata", "managedFields") !== undefined) {
      throw badRequest("metadata.managedFields must be nil");
    }
    const checked = cloneDict(config);
    checkBody(checked, def, namespace, name, request);
    const settled = { ...request, fieldManager: APPLIED };
    const present = store.collection(def.storageKey).get(def.namespaced ? namespace : "", name);
    if (!present && subresource === "") {
      const draft = tracker.apply(def, undefined, checked, request, force);
      if (text(at(draft, "metadata", "uid")) !== "") {
        throw conflict(
          def,
          name,
          `uid mismatch: the provided object specified uid ${text(at(draft, "metadata", "uid"))}, and no existing object was found`,
        );
      }
      try {
        return { object: await writer.create(def, namespace, draft, settled), created: true };
      } catch (error) {
        // Someone else created it meanwhile: apply to theirs.
        if (!(error instanceof ApiError) || error.reason !== "AlreadyExists") throw error;
      }
    }
    const object = await writer.change(def, namespace, name, settled, (live) => {
      const draft = tracker.apply(def, live, checked, request, force);
      const version = text(at(config, "metadata", "resourceVersion"));
      if (version !== "" && version !== live.metadata.resourceVersion) {
        throw conflict(
          def,
          name,
          "the object has been modified; please apply your changes to the latest version and try again",
        );
      }
      return cloneDict(draft);
    });
    return { object, created: false };
  }

  return {
    async patch(target, contentType, source, request, force) {
      const { def } = target;
      const patch = await parseText(source, contentType === APPLY_PATCH);
      switch (contentType) {
        case JSON_PATCH:
          return { object: await change(target, request, (object) => jsonPatched(object, patch)), created: false };
        case MERGE_PATCH:
          needMap(patch);
          return { object: await change(target, request, (object) => mergePatched(object, patch)), created: false };
        case STRATEGIC_PATCH: {
          if (def.custom) throw unsupportedMediaType([JSON_PATCH, MERGE_PATCH, APPLY_PATCH]);
          const map = needMap(patch);
          const type = typing.typeOf(def);
          return {
            object: await change(target, request, (object) => cloneDict(strategicMerge(object, map, type))),
            created: false,
          };
        }
        case APPLY_PATCH:
          return apply(target, needMap(patch), request, force);
        default:
          throw unsupportedMediaType([JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH], contentType);
      }
    },
  };
}

function needMap(patch: unknown): Dict {
  if (isDict(patch)) return patch;
  const type = Array.isArray(patch) ? "array" : typeof patch;
  throw badRequest(
    `error decoding patch: json: cannot unmarshal ${type} into Go value of type map[string]interface {}`,
  );
}
