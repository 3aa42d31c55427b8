import { TAP_GROUP, TAP_RESOURCES, TAP_VERSION } from "./tap-question.ts";

const version = { groupVersion: `${TAP_GROUP}/${TAP_VERSION}`, version: TAP_VERSION };
const group = { name: TAP_GROUP, versions: [version], preferredVersion: version };

/** What an API server says of itself: by these the cluster's own lists the group and knows that it is there. */
export const TAP_DOCUMENTS: Readonly<Record<string, object>> = {
  "/apis": { kind: "APIGroupList", apiVersion: "v1", groups: [group] },
  [`/apis/${TAP_GROUP}`]: { kind: "APIGroup", apiVersion: "v1", ...group },
  [`/apis/${TAP_GROUP}/${TAP_VERSION}`]: {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: version.groupVersion,
    resources: TAP_RESOURCES.map((resource) => ({
      name: `${resource}/tap`,
      singularName: "",
      namespaced: resource !== "namespaces",
      kind: "Tap",
      verbs: ["watch"],
    })),
  },
  "/openapi/v2": { swagger: "2.0", info: { title: "heddle tap", version: TAP_VERSION }, paths: {} },
  "/openapi/v3": { paths: {} },
};

const REASONS: Readonly<Record<number, string>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  429: "TooManyRequests",
  503: "ServiceUnavailable",
};

/** A failure as Kubernetes' clients read it. */
export function statusDocument(code: number, message: string): object {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason: REASONS[code] ?? "",
    code,
  };
}
