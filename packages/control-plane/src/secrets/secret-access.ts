import { isObject } from "@heddle/config";
import { isKubeError, type KubeClient } from "@heddle/kube-client";
import { err, ok, type Result } from "@heddle/std";

/**
 * Whether Kubernetes lets the service account list Secrets of its namespace: only then do its proxies get any, as in Istio. Otherwise
 * whoever may create a pod could read every Secret beside it.
 */
export async function mayReadSecrets(
  kube: Pick<KubeClient, "request">,
  namespace: string,
  serviceAccount: string,
): Promise<Result<boolean, string>> {
  const body = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: {
      user: `system:serviceaccount:${namespace}:${serviceAccount}`,
      groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
      resourceAttributes: { namespace, verb: "list", version: "v1", resource: "secrets" },
    },
  };
  try {
    const response = await kube.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", { body });
    const answer: unknown = await response.json();
    const status = isObject(answer) && isObject(answer["status"]) ? answer["status"] : {};
    return ok(status["allowed"] === true);
  } catch (error) {
    return err(`the API server could not say whether it may: ${isKubeError(error) ? error.message : "no answer"}`);
  }
}
