import type { ClusterApi, ResourceId } from "../contract/index.ts";
import type { IssueToken } from "../kubelet/index.ts";
import { fieldsOf, text } from "../kubelet/spec/decode.ts";

const TOKENS: ResourceId = { group: "", version: "v1", resource: "serviceaccounts/token" };

/** Issues pod-bound tokens through the API server's TokenRequest. Errors: rejects with its `ApiError`. */
export function createPodTokens(api: ClusterApi): IssueToken {
  return async (namespace, serviceAccount, { audience, expirationSeconds, pod }) => {
    const answer = await api.create(TOKENS, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      metadata: { name: serviceAccount, namespace },
      spec: {
        audiences: audience === undefined ? [] : [audience],
        expirationSeconds,
        boundObjectRef: { apiVersion: "v1", kind: "Pod", name: pod.name, uid: pod.uid },
      },
    });
    const status = fieldsOf(answer["status"]);
    const token = text(status["token"]);
    const expirationTimestamp = text(status["expirationTimestamp"]);
    if (token === undefined || expirationTimestamp === undefined) {
      throw new Error(`the API server issued no token for service account ${namespace}/${serviceAccount}`);
    }
    return { token, expirationTimestamp };
  };
}
