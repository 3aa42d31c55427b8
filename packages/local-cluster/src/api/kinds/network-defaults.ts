import type { KubeObject } from "../../contract/index.ts";
import { at, child, childIfAny, children, type Draft, isEmpty, list, text } from "../json/json-value.ts";
import { fill } from "./pod-defaults.ts";

export function serviceDefaults(draft: Draft): void {
  const spec = child(draft, "spec");
  fill(spec, "sessionAffinity", "None");
  if (isEmpty(spec["type"])) spec["type"] = "ClusterIP";
  if (spec["sessionAffinity"] === "None") delete spec["sessionAffinityConfig"];
  else if (spec["sessionAffinity"] === "ClientIP") {
    fill(child(child(spec, "sessionAffinityConfig"), "clientIP"), "timeoutSeconds", 10800);
  }
  for (const port of children(spec, "ports")) {
    fill(port, "protocol", "TCP");
    if (port["targetPort"] === undefined || port["targetPort"] === "" || port["targetPort"] === 0)
      port["targetPort"] = port["port"];
    if (port["nodePort"] === 0) delete port["nodePort"];
  }
  const outside = spec["type"] === "NodePort" || spec["type"] === "LoadBalancer";
  if (outside) fill(spec, "externalTrafficPolicy", "Cluster");
  if (spec["type"] === "LoadBalancer") fill(spec, "allocateLoadBalancerNodePorts", true);
  if (spec["type"] !== "ExternalName") fill(spec, "internalTrafficPolicy", "Cluster");
  if (isEmpty(spec["selector"])) delete spec["selector"];
  fill(child(draft, "status"), "loadBalancer", {});
}

export function endpointsDefaults(draft: Draft): void {
  for (const subset of children(draft, "subsets")) {
    for (const port of children(subset, "ports")) fill(port, "protocol", "TCP");
  }
}

export function endpointSliceDefaults(draft: Draft): void {
  for (const port of children(draft, "ports")) {
    fill(port, "name", "");
    fill(port, "protocol", "TCP");
  }
}

export function networkPolicyDefaults(draft: Draft): void {
  const spec = child(draft, "spec");
  fill(spec, "podSelector", {});
  if (spec["policyTypes"] === undefined) {
    spec["policyTypes"] = list(spec["egress"]).length > 0 ? ["Ingress", "Egress"] : ["Ingress"];
  }
  for (const direction of ["ingress", "egress"]) {
    for (const rule of children(spec, direction)) {
      for (const port of children(rule, "ports")) fill(port, "protocol", "TCP");
    }
  }
}

export function ingressDefaults(draft: Draft): void {
  const status = child(draft, "status");
  fill(status, "loadBalancer", {});
}

export function namespaceDefaults(draft: Draft): void {
  const metadata = child(draft, "metadata");
  const name = text(metadata["name"]);
  if (name !== "") child(metadata, "labels")["kubernetes.io/metadata.name"] = name;
  const spec = child(draft, "spec");
  if (at(metadata, "deletionTimestamp") === undefined) fill(spec, "finalizers", ["kubernetes"]);
  fill(child(draft, "status"), "phase", "Active");
}

/** `spec.finalizers` changes through the finalize subresource only. */
export function keepNamespaceFinalizers(draft: Draft, present: KubeObject): void {
  const before = at(present, "spec", "finalizers");
  if (before === undefined) delete child(draft, "spec")["finalizers"];
  else child(draft, "spec")["finalizers"] = before;
}

export function secretDefaults(draft: Draft): void {
  fill(draft, "type", "Opaque");
  const plain = childIfAny(draft, "stringData");
  if (!plain) return;
  const data = child(draft, "data");
  for (const [key, value] of Object.entries(plain)) data[key] = Buffer.from(text(value)).toString("base64");
  delete draft["stringData"];
}

export function volumeClaimDefaults(draft: Draft): void {
  const spec = child(draft, "spec");
  fill(spec, "volumeMode", "Filesystem");
  fill(child(draft, "status"), "phase", "Pending");
}

export function volumeDefaults(draft: Draft): void {
  const spec = child(draft, "spec");
  fill(spec, "persistentVolumeReclaimPolicy", "Retain");
  fill(spec, "volumeMode", "Filesystem");
  fill(child(draft, "status"), "phase", "Pending");
}

export function storageClassDefaults(draft: Draft): void {
  fill(draft, "reclaimPolicy", "Delete");
  fill(draft, "volumeBindingMode", "Immediate");
}

export function autoscalerDefaults(draft: Draft): void {
  const spec = child(draft, "spec");
  fill(spec, "minReplicas", 1);
  if (isEmpty(spec["metrics"])) {
    spec["metrics"] = [
      { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } },
    ];
  }
}

export function webhookDefaults(draft: Draft): void {
  const mutating = draft["kind"] === "MutatingWebhookConfiguration";
  for (const hook of children(draft, "webhooks")) {
    fill(hook, "failurePolicy", "Fail");
    fill(hook, "matchPolicy", "Equivalent");
    fill(hook, "namespaceSelector", {});
    fill(hook, "objectSelector", {});
    fill(hook, "timeoutSeconds", 10);
    if (mutating) fill(hook, "reinvocationPolicy", "Never");
    for (const rule of children(hook, "rules")) fill(rule, "scope", "*");
    const config = childIfAny(hook, "clientConfig");
    const service = config && childIfAny(config, "service");
    if (service) fill(service, "port", 443);
  }
}

export function bindingDefaults(draft: Draft): void {
  for (const subject of children(draft, "subjects")) {
    if (subject["kind"] === "User" || subject["kind"] === "Group")
      fill(subject, "apiGroup", "rbac.authorization.k8s.io");
  }
  const role = childIfAny(draft, "roleRef");
  if (role && isEmpty(role["apiGroup"])) role["apiGroup"] = "rbac.authorization.k8s.io";
}
