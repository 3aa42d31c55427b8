import type { StringMap } from "@heddle/config";
import type { AnalysisInput } from "../input.ts";
import type { PodTemplate } from "../pod-template.ts";

/** What a namespace says about sidecars. */
export type NamespaceInjection = "enabled" | "disabled" | "unset";

export function namespaceInjection(meta: {
  readonly labels: StringMap;
  readonly annotations: StringMap;
}): NamespaceInjection {
  const { labels, annotations } = meta;
  if (labels["istio-injection"] === "enabled") return "enabled";
  if (labels["istio-injection"] !== undefined) return "disabled";
  if ((labels["istio.io/rev"] ?? "") !== "") return "enabled";
  const linkerd = annotations["linkerd.io/inject"];
  return linkerd === "enabled" || linkerd === "ingress" ? "enabled" : linkerd === undefined ? "unset" : "disabled";
}

/** Namespaces that say nothing are injected as well. */
export function injectsByDefault(input: AnalysisInput): boolean {
  return input.options.injector?.sidecarInjectorWebhook.enableNamespacesByDefault === true;
}

/** True when the injector adds a sidecar to such a pod: the pod's own word wins over its namespace's. */
export function asksForSidecar(input: AnalysisInput, pod: PodTemplate): boolean {
  if (pod.hostNetwork) return false;
  const own =
    pod.labels["sidecar.istio.io/inject"] ??
    pod.annotations["sidecar.istio.io/inject"] ??
    pod.annotations["linkerd.io/inject"];
  const namespace = input.namespaceOf(pod.namespace);
  const wide = namespace === undefined ? "unset" : namespaceInjection(namespace);
  if (own !== undefined) return (own === "true" || own === "enabled" || own === "ingress") && wide !== "disabled";
  return wide === "enabled" || (wide === "unset" && namespace !== undefined && injectsByDefault(input));
}

/** Namespaces that never hold applications. */
export function isSystemNamespace(name: string, root: string): boolean {
  return (
    name === root ||
    /^kube-/.test(name) ||
    name === "istio-system" ||
    name === "linkerd" ||
    name === "local-path-storage" ||
    name.startsWith("linkerd-")
  );
}
