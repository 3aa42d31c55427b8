import { type Manifest, meshLabels } from "./manifest.ts";
import { type InstallOptions, protectedNamespaces } from "./options.ts";
import { webhookPort } from "./remote-profile.ts";

const podRules = [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"], scope: "*" }];

const expression = (key: string, operator: string, values?: readonly string[]) => ({
  key,
  operator,
  ...(values ? { values } : {}),
});

/**
 * Three doors to one injector. Pods that a label asks for fail closed: while the control plane is away they wait. Linkerd's form is an
 * annotation, which no selector can see, so that door stands in every namespace and fails open unless high availability is asked for.
 */
export function injectorWebhook(options: InstallOptions): Manifest {
  const outside = expression("kubernetes.io/metadata.name", "NotIn", protectedNamespaces(options));
  const notRefused = expression("sidecar.istio.io/inject", "NotIn", ["false"]);
  const webhook = (
    name: string,
    path: string,
    failurePolicy: string,
    namespaces: readonly unknown[],
    objects: readonly unknown[],
  ) => ({
    name,
    admissionReviewVersions: ["v1"],
    clientConfig: {
      service: {
        name: "istiod",
        namespace: options.namespace,
        path,
        port: webhookPort(options.remote),
      },
    },
    sideEffects: "None",
    failurePolicy,
    reinvocationPolicy: "Never",
    matchPolicy: "Equivalent",
    timeoutSeconds: 10,
    rules: podRules,
    namespaceSelector: { matchExpressions: namespaces },
    objectSelector: { matchExpressions: objects },
  });
  const path = options.remote?.injectionPath ?? "/inject";
  // The injector need not have heard of a label that the API server chose by.
  const asked = `${path}/asked/label`;
  const labelled = expression("istio-injection", "In", ["enabled"]);
  const revision = expression("istio.io/rev", "In", ["default"]);
  const unlabelled = expression("istio-injection", "DoesNotExist");
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: {
      name: "istio-sidecar-injector",
      labels: { ...meshLabels("sidecar-injector"), app: "sidecar-injector" },
    },
    webhooks: [
      webhook("namespace.sidecar-injector.istio.io", asked, "Fail", [outside, labelled], [notRefused]),
      webhook("rev.namespace.sidecar-injector.istio.io", asked, "Fail", [outside, unlabelled, revision], [notRefused]),
      webhook(
        "object.sidecar-injector.istio.io",
        asked,
        "Fail",
        [outside, unlabelled, expression("istio.io/rev", "DoesNotExist")],
        [expression("sidecar.istio.io/inject", "In", ["true"])],
      ),
      webhook(
        "linkerd-proxy-injector.linkerd.io",
        path,
        options.highAvailability ? "Fail" : "Ignore",
        [outside, unlabelled, expression("istio.io/rev", "DoesNotExist")],
        [expression("sidecar.istio.io/inject", "DoesNotExist")],
      ),
    ],
  };
}

/** Refuses invalid mesh resources at `kubectl apply`. Starts open (`Ignore`); the control plane closes it once it serves. */
export function validatorWebhook(options: InstallOptions): Manifest {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: `istio-validator-${options.namespace}`, labels: { ...meshLabels("validator"), app: "istiod" } },
    webhooks: [
      {
        name: "rev.validation.istio.io",
        admissionReviewVersions: ["v1"],
        clientConfig: { service: { name: "istiod", namespace: options.namespace, path: "/validate", port: 443 } },
        sideEffects: "None",
        failurePolicy: "Ignore",
        timeoutSeconds: 10,
        rules: [
          {
            apiGroups: [
              "security.istio.io",
              "networking.istio.io",
              "telemetry.istio.io",
              "extensions.istio.io",
              "linkerd.io",
            ],
            apiVersions: ["*"],
            operations: ["CREATE", "UPDATE"],
            resources: ["*"],
            scope: "*",
          },
        ],
      },
    ],
  };
}
