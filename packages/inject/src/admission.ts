import { formatProblem, isObject, type JsonObject } from "@heddle/config";
import type { InjectContext } from "./context.ts";
import { injectPod } from "./inject-pod.ts";
import { objectAt, textAt } from "./pod.ts";

/** What an admission request of the API server asks for. */
export interface AdmissionRequest {
  readonly uid: string;
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly object: JsonObject;
}

export type AdmissionOutcome = "injected" | "skipped" | "refused";

export interface AdmissionAnswer {
  /** The AdmissionReview to send back. */
  readonly review: JsonObject;
  readonly outcome: AdmissionOutcome;
  /** For the log: why. */
  readonly reason: string;
}

/** Reads an `admission.k8s.io/v1` AdmissionReview, or says what is wrong with it. */
export function readAdmissionReview(body: unknown): AdmissionRequest | string {
  if (!isObject(body) || body["kind"] !== "AdmissionReview") return "the body is not an AdmissionReview";
  if (body["apiVersion"] !== "admission.k8s.io/v1")
    return `AdmissionReview ${String(body["apiVersion"])} is not supported; use admission.k8s.io/v1`;
  const request = objectAt(body as JsonObject, "request");
  const uid = textAt(request, "uid");
  if (uid === "") return "request.uid is missing";
  const object = objectAt(request, "object");
  return {
    uid,
    namespace: textAt(request, "namespace") || textAt(objectAt(object, "metadata"), "namespace"),
    kind: textAt(objectAt(request, "kind"), "kind"),
    name: textAt(request, "name"),
    object,
  };
}

/** Answers the injection webhook. Pods that are not to be injected are allowed unchanged. */
export function answerInjection(request: AdmissionRequest, context: InjectContext): AdmissionAnswer {
  if (request.kind !== "Pod") return allow(request, "skipped", `${request.kind} is not a Pod`);
  const result = injectPod(request.object, context);
  switch (result.kind) {
    case "skipped":
      return allow(request, "skipped", result.reason.text);
    case "refused": {
      const message = `Heddle can't inject the pod: ${result.problems.map(formatProblem).join("; ")}`;
      return {
        review: review(request.uid, { allowed: false, status: { code: 400, reason: "BadRequest", message } }),
        outcome: "refused",
        reason: message,
      };
    }
    case "injected": {
      const patch = Buffer.from(JSON.stringify(result.patch)).toString("base64");
      return {
        review: review(request.uid, { allowed: true, patchType: "JSONPatch", patch }),
        outcome: "injected",
        reason: result.because,
      };
    }
  }
}

/** Lets the object through unchanged. `warnings` are what `kubectl` shows to the user. */
export function allow(
  request: AdmissionRequest,
  outcome: AdmissionOutcome,
  reason: string,
  warnings: readonly string[] = [],
): AdmissionAnswer {
  const response = { allowed: true, ...(warnings.length > 0 ? { warnings } : {}) };
  return { review: review(request.uid, response), outcome, reason };
}

/** Refuses the object with a sentence for the user. */
export function deny(request: AdmissionRequest, message: string): AdmissionAnswer {
  return {
    review: review(request.uid, { allowed: false, status: { code: 400, reason: "BadRequest", message } }),
    outcome: "refused",
    reason: message,
  };
}

function review(uid: string, response: JsonObject): JsonObject {
  return { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response: { uid, ...response } };
}
