import { type InjectorValues, type JsonObject, type LabelSelector, labelsMatch, type StringMap } from "@heddle/config";
import type { InjectContext } from "./context.ts";
import { listAt, objectAt, stringsAt, textAt } from "./pod.ts";

/** Why a pod is left alone; `code` is stable, `text` is for people. */
export interface SkipReason {
  readonly code:
    | "host-network"
    | "ignored-namespace"
    | "already-injected"
    | "foreign-sidecar"
    | "disabled-by-pod"
    | "disabled-by-namespace"
    | "other-revision"
    | "no-token"
    | "not-asked";
  readonly text: string;
}

export type Decision =
  | { readonly inject: true; readonly dialect: "istio" | "linkerd"; readonly because: string }
  | { readonly inject: false; readonly reason: SkipReason };

const ignoredNamespaces: ReadonlySet<string> = new Set([
  "kube-system",
  "kube-public",
  "kube-node-lease",
  "local-path-storage",
]);

/**
 * Decides whether a pod gets a sidecar. "No" on either level wins over "yes"; the pod's wish wins over the namespace's silence;
 * `istio-injection` wins over `istio.io/rev`; Istio's labels are asked before Linkerd's annotations.
 * Source: istio pkg/kube/inject/inject.go, linkerd2 pkg/inject.
 */
export function decide(pod: JsonObject, context: InjectContext): Decision {
  const { namespace, values } = context;
  const blocked = obstacle(pod, namespace.name);
  if (blocked !== undefined) return { inject: false, reason: blocked };

  const labels = stringsAt(pod, "metadata", "labels");
  const annotations = stringsAt(pod, "metadata", "annotations");
  const wish = flag(labels["sidecar.istio.io/inject"] ?? annotations["sidecar.istio.io/inject"]);
  const linkerd = annotations["linkerd.io/inject"];
  if (wish === false) return no("disabled-by-pod", 'the pod has sidecar.istio.io/inject: "false"');
  if (linkerd === "disabled") return no("disabled-by-pod", "the pod is annotated linkerd.io/inject: disabled");
  const byNamespace = context.asked === true ? "enabled" : namespace.labels["istio-injection"];
  if (byNamespace === "disabled")
    return no("disabled-by-namespace", `namespace ${namespace.name} is labelled istio-injection=disabled`);
  if (wish === true) return yes("istio", 'the pod has sidecar.istio.io/inject: "true"');
  if (linkerd === "enabled" || linkerd === "ingress")
    return yes("linkerd", `the pod is annotated linkerd.io/inject: ${linkerd}`);

  const hook = values.sidecarInjectorWebhook;
  if (hook.neverInjectSelector.some((selector) => selects(selector, labels)))
    return no("disabled-by-pod", "its labels match neverInjectSelector");
  if (hook.alwaysInjectSelector.some((selector) => selects(selector, labels)))
    return yes("istio", "its labels match alwaysInjectSelector");
  if (context.asked === true) return yes("istio", "labels of its own or of its namespace ask for a sidecar");
  if (byNamespace === "enabled") return yes("istio", `namespace ${namespace.name} is labelled istio-injection=enabled`);

  const revision = namespace.labels["istio.io/rev"] ?? labels["istio.io/rev"];
  if (revision !== undefined) {
    const own = values.revision === "" ? "default" : values.revision;
    if (revision === own) return yes("istio", `istio.io/rev asks for revision ${revision}`);
    return no("other-revision", `istio.io/rev asks for revision ${revision}, this is ${own}`);
  }
  const linkerdNamespace = namespace.annotations["linkerd.io/inject"];
  if (linkerdNamespace === "disabled")
    return no("disabled-by-namespace", `namespace ${namespace.name} is annotated linkerd.io/inject: disabled`);
  if (linkerdNamespace === "enabled" || linkerdNamespace === "ingress") {
    return yes("linkerd", `namespace ${namespace.name} is annotated linkerd.io/inject: ${linkerdNamespace}`);
  }
  if (hook.enableNamespacesByDefault) return yes("istio", "injection is on by default");
  return no(
    "not-asked",
    `neither the pod nor namespace ${namespace.name} asks for a sidecar; label the namespace istio-injection=enabled or annotate it linkerd.io/inject: enabled`,
  );
}

/** What makes injection impossible or pointless, whatever is asked for. */
export function obstacle(pod: JsonObject, namespace: string): SkipReason | undefined {
  const spec = objectAt(pod, "spec");
  if (spec["hostNetwork"] === true) return { code: "host-network", text: "hostNetwork is enabled" };
  if (ignoredNamespaces.has(namespace))
    return { code: "ignored-namespace", text: `namespace ${namespace} is never injected` };
  const all = [...listAt(spec, "initContainers"), ...listAt(spec, "containers")];
  const own = all.find((container) => container["name"] === "istio-proxy");
  const injected = stringsAt(pod, "metadata", "annotations")["sidecar.istio.io/status"] !== undefined;
  if (own !== undefined && injected) return { code: "already-injected", text: "pod has a sidecar injected already" };
  if (own !== undefined && !isCustomisation(own))
    return { code: "foreign-sidecar", text: "pod has a container istio-proxy that Heddle did not inject" };
  const foreign = all.find((container) => foreignNames.has(textAt(container, "name")));
  if (foreign !== undefined)
    return {
      code: "foreign-sidecar",
      text: `pod has a sidecar injected already: container ${textAt(foreign, "name")}`,
    };
  return undefined;
}

const foreignNames: ReadonlySet<string> = new Set([
  "linkerd-proxy",
  "linkerd-init",
  "envoy-sidecar",
  "consul-dataplane",
  "kuma-sidecar",
]);

/** A container `istio-proxy` without an image of its own adjusts the one that is injected (Istio's custom injection). */
export function isCustomisation(container: JsonObject): boolean {
  const image = textAt(container, "image");
  return image === "" || image === "auto";
}

function yes(dialect: "istio" | "linkerd", because: string): Decision {
  return { inject: true, dialect, because };
}

function no(code: SkipReason["code"], text: string): Decision {
  return { inject: false, reason: { code, text } };
}

/** YAML 1.1's booleans, which Istio accepts here. */
function flag(text: string | undefined): boolean | undefined {
  if (text === undefined || text === "") return undefined;
  return ["y", "yes", "true", "on", "1"].includes(text.toLowerCase());
}

type Selector = InjectorValues["sidecarInjectorWebhook"]["neverInjectSelector"][number] | LabelSelector;

function selects(selector: Selector, labels: StringMap): boolean {
  if (!labelsMatch(selector.matchLabels, labels)) return false;
  return selector.matchExpressions.every((raw) => {
    const expression = raw as { key?: unknown; operator?: unknown; values?: unknown };
    const value = labels[String(expression.key)];
    const values = Array.isArray(expression.values) ? expression.values : [];
    if (expression.operator === "Exists") return value !== undefined;
    if (expression.operator === "DoesNotExist") return value === undefined;
    if (expression.operator === "In") return value !== undefined && values.includes(value);
    return expression.operator === "NotIn" && (value === undefined || !values.includes(value));
  });
}
