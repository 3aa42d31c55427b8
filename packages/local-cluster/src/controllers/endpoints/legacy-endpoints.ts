import { at, list, sameJson, text } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import { NOTHING_TO_DO, type Plan } from "../action.ts";
import { nodeNameOf } from "../pod-state.ts";
import { canonical } from "../pod-template.ts";
import { ENDPOINTS } from "../resource-ids.ts";
import { type PodEndpoint, podEndpoint, targetRef } from "./pod-endpoint.ts";
import { selects } from "./reconcile.ts";

/** The older `v1/Endpoints` of a Service. Source: Kubernetes' endpoints controller. */
export function reconcileEndpoints(observed: {
  readonly service: KubeObject;
  readonly pods: readonly KubeObject[];
  readonly endpoints: KubeObject | undefined;
}): Plan {
  const { service, endpoints: present } = observed;
  if (!selects(service) || service.metadata.deletionTimestamp !== undefined) return NOTHING_TO_DO;
  const all = observed.pods.flatMap((pod) => podEndpoint(service, pod) ?? []);
  // This older form has no word for terminating.
  const subsets = subsetsOf(all.filter((endpoint) => endpoint.ready || !endpoint.terminating));
  const headless = text(at(service, "spec", "clusterIP")) === "None";
  const labels: Readonly<Record<string, string>> = {
    ...service.metadata.labels,
    "endpoints.kubernetes.io/managed-by": "endpoint-controller",
    ...(headless && { "service.kubernetes.io/headless": "" }),
  };
  const { name, namespace = "" } = service.metadata;
  if (present === undefined) {
    const object: KubeObject = {
      apiVersion: "v1",
      kind: "Endpoints",
      metadata: { name, namespace, labels },
      ...(subsets.length > 0 && { subsets }),
    };
    return { actions: [{ kind: "create", resource: ENDPOINTS, object, mayExist: true }] };
  }
  if (sameJson(list(present["subsets"]), subsets) && sameJson(present.metadata.labels, labels)) return NOTHING_TO_DO;
  const removed = Object.keys(present.metadata.labels ?? {}).filter((key) => labels[key] === undefined);
  const patch = {
    metadata: { labels: { ...Object.fromEntries(removed.map((key) => [key, null])), ...labels } },
    subsets: subsets.length > 0 ? subsets : null,
  };
  return { actions: [{ kind: "patch", resource: ENDPOINTS, object: present, patch }] };
}

function subsetsOf(endpoints: readonly PodEndpoint[]): readonly Readonly<Record<string, unknown>>[] {
  const groups = new Map<string, PodEndpoint[]>();
  for (const endpoint of endpoints.toSorted((a, b) => (a.address < b.address ? -1 : 1))) {
    const key = canonical(endpoint.ports);
    groups.set(key, [...(groups.get(key) ?? []), endpoint]);
  }
  return [...groups.values()].map((group) => {
    const ready = group.filter((endpoint) => endpoint.ready).map(address);
    const notReady = group.filter((endpoint) => !endpoint.ready).map(address);
    const ports = (group[0]?.ports ?? []).map(({ name, port, protocol, appProtocol }) => ({
      ...(name !== "" && { name }),
      port,
      protocol,
      ...(appProtocol !== undefined && { appProtocol }),
    }));
    return {
      ...(ready.length > 0 && { addresses: ready }),
      ...(notReady.length > 0 && { notReadyAddresses: notReady }),
      ...(ports.length > 0 && { ports }),
    };
  });
}

function address(endpoint: PodEndpoint): Readonly<Record<string, unknown>> {
  return { ip: endpoint.address, nodeName: nodeNameOf(endpoint.pod), targetRef: targetRef(endpoint.pod) };
}
