import { at, textOf } from "@heddle/std";
import type { CheckCategory, CheckTarget } from "../check.ts";

/** Oldest Kubernetes with native sidecars on by default. */
const MINIMUM = [1, 29] as const;

export const kubernetesApi: CheckCategory = {
  name: "kubernetes-api",
  items: [
    {
      description: "can initialize the client",
      anchor: "k8s-api",
      severity: "fatal",
      run: async (target) => void (await target.client()),
    },
    {
      description: "can query the Kubernetes API",
      anchor: "k8s-api",
      severity: "fatal",
      run: async (target) => void (await (await target.client()).request("GET", "/version")),
    },
  ],
};

export const kubernetesVersion: CheckCategory = {
  name: "kubernetes-version",
  items: [
    {
      description: "is running the minimum Kubernetes API version",
      anchor: "k8s-version",
      severity: "fatal",
      run: async (target) => {
        const version: unknown = await (await (await target.client()).request("GET", "/version")).json();
        const numbers = /^v(\d+)\.(\d+)/.exec(textOf(at(version, "gitVersion")));
        const [major, minor] = [Number(numbers?.[1]), Number(numbers?.[2])];
        if (!(major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1]))) {
          throw new Error(
            `Kubernetes is on version [${textOf(at(version, "gitVersion"))}], but version ${MINIMUM.join(".")} or more recent is required`,
          );
        }
      },
    },
  ],
};

/** Asks the API server whether we may; the same question that `kubectl auth can-i` asks. */
export async function mayI(
  target: CheckTarget,
  verb: string,
  group: string,
  resource: string,
  namespace?: string,
): Promise<void> {
  const kube = await target.client();
  const review = await kube.request("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
    body: {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: { verb, group, resource, ...(namespace ? { namespace } : {}) } },
    },
  });
  const answer: unknown = await review.json();
  if (at(answer, "status", "allowed") !== true) {
    throw new Error(
      `missing permission to ${verb} ${resource}; ask a cluster administrator, or use a kubeconfig that may`,
    );
  }
}

/** Categories of `check --pre`. */
export const preKubernetesSetup: CheckCategory = {
  name: "pre-kubernetes-setup",
  items: [
    {
      description: "control plane namespace does not already exist",
      anchor: "pre-ns",
      severity: "fatal",
      run: async (target) => {
        const found = await (await target.client()).find({
          apiVersion: "v1",
          kind: "Namespace",
          name: target.meshNamespace,
        });
        if (found)
          throw new Error(
            `The "${target.meshNamespace}" namespace already exists; heddle check without --pre looks at what is installed`,
          );
      },
    },
    {
      description: "can create non-namespaced resources",
      anchor: "pre-k8s-cluster-k8s",
      severity: "fatal",
      run: async (target) => {
        await mayI(target, "create", "", "namespaces");
        await mayI(target, "create", "rbac.authorization.k8s.io", "clusterroles");
        await mayI(target, "create", "apiextensions.k8s.io", "customresourcedefinitions");
        await mayI(target, "create", "admissionregistration.k8s.io", "mutatingwebhookconfigurations");
      },
    },
    ...(
      [
        ["ServiceAccounts", "", "serviceaccounts"],
        ["Services", "", "services"],
        ["Deployments", "apps", "deployments"],
        ["ConfigMaps", "", "configmaps"],
        ["Secrets", "", "secrets"],
      ] as const
    ).map(([kind, group, resource]) => ({
      description: `can create ${kind}`,
      anchor: "pre-k8s",
      severity: "fatal" as const,
      run: (target: CheckTarget) => mayI(target, "create", group, resource, target.meshNamespace),
    })),
    {
      description: "can read Secrets",
      anchor: "pre-k8s",
      severity: "fatal",
      run: (target) => mayI(target, "get", "", "secrets", target.meshNamespace),
    },
    {
      description: "no clock skew detected",
      anchor: "pre-k8s-clock-skew",
      severity: "warning",
      run: async (target) => {
        const response = await (await target.client()).request("GET", "/version");
        const skewMs = Math.abs(target.now().getTime() - Date.parse(response.headers.get("date") ?? ""));
        if (skewMs > 60_000)
          throw new Error(
            `this machine's clock and the API server's differ by ${Math.round(skewMs / 1000)} s; certificates may be refused`,
          );
      },
    },
  ],
};
