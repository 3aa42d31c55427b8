import { isIP } from "node:net";
import { canonicalJson, type IngressView, labelsMatch, type ServiceView } from "@heddle/config";
import { isKubeError, type KubeClient } from "@heddle/kube-client";
import { ingressGatewayLabels, isMeshIngress, type MeshState } from "@heddle/model";
import type { Clock, Logger } from "@heddle/std";
import { createCatchUp } from "./catch-up.ts";

/** Writes the ingress gateway's addresses into the status of the mesh's Ingresses: what `kubectl get ingress` shows as ADDRESS. */
export interface IngressStatuses {
  update(state: MeshState): void;
  close(): void;
}

export interface IngressStatusesOptions {
  readonly kube: Pick<KubeClient, "patch">;
  readonly clock: Pick<Clock, "after">;
  readonly log: Logger;
}

/** Every replica comes to the same addresses: no leader is needed. */
export function createIngressStatuses({ kube, clock, log }: IngressStatusesOptions): IngressStatuses {
  let state: MeshState | undefined;
  const write = async ({ meta }: IngressView, addresses: readonly string[]): Promise<boolean> => {
    const { namespace, name } = meta;
    const ref = { group: "networking.k8s.io", version: "v1", resource: "ingresses", namespace, name };
    const ingress = addresses.map((address) => (isIP(address) === 0 ? { hostname: address } : { ip: address }));
    try {
      await kube.patch(ref, { status: { loadBalancer: { ingress } } }, { type: "merge", subresource: "status" });
      return true;
    } catch (error) {
      // It is gone.
      if (isKubeError(error, 404)) return true;
      const denied = isKubeError(error, 403);
      const next = denied
        ? "the control plane's ClusterRole has to allow patch of ingresses/status; install it again"
        : "trying again";
      log.warn(`writing the addresses of an Ingress failed; ${next}`, { ingress: `${namespace}/${name}`, error });
      return denied;
    }
  };
  const catchUp = createCatchUp({
    clock,
    due: () =>
      dueIngresses(state).map(
        ({ ingress, addresses }) =>
          () =>
            write(ingress, addresses),
      ),
  });
  return {
    update: (next) => {
      const [before, now] = [state, next];
      state = next;
      if (
        before?.objects.ingresses !== now.objects.ingresses ||
        before.objects.ingressClasses !== now.objects.ingressClasses ||
        before.objects.services !== now.objects.services ||
        before.objects.pods !== now.objects.pods ||
        before.objects.nodes !== now.objects.nodes ||
        before.settings !== now.settings
      )
        catchUp.start();
    },
    close: () => catchUp.close(),
  };
}

/** Ingresses whose status names other addresses than it should. */
function dueIngresses(state: MeshState | undefined) {
  if (state === undefined || state.objects.ingresses.size === 0) return [];
  const { mesh, rootNamespace } = state.settings;
  const service = state.objects.services.get(`${rootNamespace}/${mesh.ingressService}`);
  const addresses = mesh.ingressService === "" ? nodeAddresses(state) : addressesOf(service);
  const wanted = canonicalJson(addresses);
  const context = { mesh, classes: state.objects.ingressClasses };
  return [...state.objects.ingresses.values()]
    .filter((ingress) => isMeshIngress(ingress, context) && canonicalJson(ingress.addresses) !== wanted)
    .map((ingress) => ({ ingress, addresses }));
}

/** Without an `ingressService`: where clients outside reach the nodes of the gateway's pods. Source: Istio. */
function nodeAddresses({ objects, settings }: MeshState): readonly string[] {
  const labels = ingressGatewayLabels(settings.mesh);
  const found = [...objects.pods.values()]
    .filter(
      ({ meta, phase }) =>
        meta.namespace === settings.rootNamespace && phase === "Running" && labelsMatch(labels, meta.labels),
    )
    .flatMap(({ nodeName }) => objects.nodes.get(nodeName)?.externalIps ?? []);
  return [...new Set(found)].sort();
}

/** Addresses first, then names. */
function addressesOf(service: ServiceView | undefined): readonly string[] {
  if (service === undefined) return [];
  if (service.type === "ExternalName") return [service.externalName];
  const all = [...service.loadBalancerAddresses, ...service.externalIps];
  return [...all.filter((one) => isIP(one) !== 0).sort(), ...all.filter((one) => isIP(one) === 0).sort()];
}
