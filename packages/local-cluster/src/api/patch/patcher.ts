import type { KubeObject } from "../../contract/index.ts";
import { badRequest, unsupportedMediaType } from "../errors/api-errors.ts";

import { type Draft, isDict } from "../json/json-value.ts";
import type { ResourceTarget } from "../resources/resource-target.ts";
import { scaleOf, withReplicas } from "../resources/scale.ts";
import { checkBody } from "../write/body.ts";
import type { WriteRequest } from "../write/write-request.ts";
import type { Writer } from "../write/writer.ts";
import { mergePatched } from "./merge-patch.ts";

/** All kinds of PATCH. */
export interface Patcher {
  patch(
    target: ResourceTarget,
    contentType: string,
    source: string,
    request: WriteRequest,
    force: boolean,
  ): Promise<{ readonly object: KubeObject; readonly created: boolean }>;
}

const TYPES = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
];

export function createPatcher(writer: Writer): Patcher {
  return {
    async patch(target, contentType, source, request) {
      const { def, namespace, name, subresource } = target;
      if (contentType !== "application/merge-patch+json") throw unsupportedMediaType(TYPES, contentType);
      const patch: unknown = JSON.parse(source);
      if (!isDict(patch)) throw badRequest("a merge patch must be a JSON object");
      const object = await writer.change(def, namespace, name, request, (present) => {
        if (subresource === "scale") return withReplicas(def, present, mergePatched(scaleOf(def, present), patch));
        return checked(mergePatched(present, patch), target, request);
      });
      return { object, created: false };
    },
  };
}

function checked(draft: Draft, target: ResourceTarget, request: WriteRequest): Draft {
  checkBody(draft, target.def, target.namespace, target.name, request);
  return draft;
}
