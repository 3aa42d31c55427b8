import type { KubeClient, KubeObject } from "@heddle/kube-client";
import { at, listOf, textOf } from "@heddle/std";
import { UsageError } from "./context.ts";

/** Pods of the control plane that run. Errors: UsageError that says where it is, or how to get one. */
export async function runningControlPlane(kube: KubeClient, namespace: string): Promise<readonly KubeObject[]> {
  const pods = await kube.list({ apiVersion: "v1", kind: "Pod", namespace }, { labelSelector: "app=istiod" });
  const running = pods.items.filter((pod) => textOf(at(pod, "status", "phase")) === "Running");
  if (running.length > 0) return running;
  const elsewhere = await controlPlaneElsewhere(kube, namespace);
  throw new UsageError(
    elsewhere ?? `no control plane runs in namespace ${namespace}; install it with heddle install | kubectl apply -f -`,
  );
}

/** A sentence for clusters of profile remote: Service `istiod` selects no pods there; undefined for all others. */
export async function controlPlaneElsewhere(kube: KubeClient, namespace: string): Promise<string | undefined> {
  const service = await kube.find({ apiVersion: "v1", kind: "Service", namespace, name: "istiod" });
  if (service === undefined || at(service, "spec", "selector") !== undefined) return undefined;
  const slice = await kube.find({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    namespace,
    name: "istiod",
  });
  const address = textOf(listOf(at(listOf(at(slice, "endpoints"))[0], "addresses"))[0]);
  const where = address || textOf(at(service, "spec", "externalName")) || "an address that is not given";
  const owner = await kube.find({ apiVersion: "v1", kind: "Namespace", name: namespace });
  const names = owner?.metadata.annotations?.["topology.istio.io/controlPlaneClusters"];
  return `this cluster uses another's control plane, at ${where}${names === undefined ? "" : ` (cluster ${names})`}: ask with that cluster's context`;
}
