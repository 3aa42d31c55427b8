import { at, dict, list, sameJson, text } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import { type Action, NOTHING_TO_DO, type Plan } from "../action.ts";
import { controllerReference } from "../ownership.ts";
import { canonical } from "../pod-template.ts";
import { SLICES } from "../resource-ids.ts";
import { type EndpointPort, type PodEndpoint, podEndpoint, sliceEndpoint } from "./pod-endpoint.ts";

export const SERVICE_LABEL = "kubernetes.io/service-name";
export const MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
export const MANAGER = "endpointslice-controller.k8s.io";
const HEADLESS = "service.kubernetes.io/headless";
const MAX_ENDPOINTS = 100;

export interface SlicesObserved {
  readonly service: KubeObject;
  /** Pods that the selector selects. */
  readonly pods: readonly KubeObject[];
  /** Slices of this Service that this controller manages. */
  readonly slices: readonly KubeObject[];
}

/** One set of slices for each set of ports, at most 100 endpoints each. Source: Kubernetes' EndpointSlice controller. */
export function reconcileSlices(observed: SlicesObserved): Plan {
  const { service, slices } = observed;
  if (!selects(service) || service.metadata.deletionTimestamp !== undefined) return NOTHING_TO_DO;
  const wanted = wantedSlices(observed.pods.flatMap((pod) => podEndpoint(service, pod) ?? []));
  const labels = sliceLabels(service);
  const left = [...slices];
  const actions: Action[] = [];
  for (const { ports, endpoints } of wanted) {
    const content = { endpoints: endpoints.map(sliceEndpoint), ports: ports.map(slicePort) };
    const index = bestMatch(left, content);
    const [present] = index < 0 ? [] : left.splice(index, 1);
    if (present === undefined)
      actions.push({ kind: "create", resource: SLICES, object: newSlice(service, labels, content) });
    else if (!sameContent(present, content) || !sameJson(present.metadata.labels, labels)) {
      actions.push({
        kind: "patch",
        resource: SLICES,
        object: present,
        patch: { metadata: { labels: replaceMap(present.metadata.labels, labels) }, ...content },
      });
    }
  }
  for (const slice of left) actions.push({ kind: "delete", resource: SLICES, object: slice });
  return { actions };
}

/** Services without a selector have endpoints that someone else writes; external names have none. */
export function selects(service: KubeObject): boolean {
  return at(service, "spec", "selector") !== undefined && at(service, "spec", "type") !== "ExternalName";
}

interface Wanted {
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly PodEndpoint[];
}

function wantedSlices(endpoints: readonly PodEndpoint[]): readonly Wanted[] {
  const groups = new Map<string, PodEndpoint[]>();
  for (const endpoint of endpoints.toSorted((a, b) => (a.address < b.address ? -1 : 1))) {
    const key = canonical(endpoint.ports);
    groups.set(key, [...(groups.get(key) ?? []), endpoint]);
  }
  const wanted = [...groups.values()].flatMap((group) =>
    Array.from({ length: Math.ceil(group.length / MAX_ENDPOINTS) }, (_, page) => ({
      ports: group[0]?.ports ?? [],
      endpoints: group.slice(page * MAX_ENDPOINTS, (page + 1) * MAX_ENDPOINTS),
    })),
  );
  // An empty slice says "this Service is known and has no endpoints".
  return wanted.length > 0 ? wanted : [{ ports: [], endpoints: [] }];
}

function slicePort({ name, port, protocol, appProtocol }: EndpointPort): Readonly<Record<string, unknown>> {
  return { name, port, protocol, ...(appProtocol !== undefined && { appProtocol }) };
}

interface Content {
  readonly endpoints: readonly Readonly<Record<string, unknown>>[];
  readonly ports: readonly Readonly<Record<string, unknown>>[];
}

/** The slice with these ports, else any, so that names stay. */
function bestMatch(slices: readonly KubeObject[], content: Content): number {
  const same = slices.findIndex((slice) => sameJson(list(slice["ports"]), content.ports));
  return same >= 0 ? same : slices.length - 1;
}

function sameContent(slice: KubeObject, content: Content): boolean {
  return sameJson(list(slice["endpoints"]), content.endpoints) && sameJson(list(slice["ports"]), content.ports);
}

function sliceLabels(service: KubeObject): Readonly<Record<string, string>> {
  const headless = text(at(service, "spec", "clusterIP")) === "None";
  return {
    ...service.metadata.labels,
    [SERVICE_LABEL]: service.metadata.name,
    [MANAGED_BY]: MANAGER,
    ...(headless && { [HEADLESS]: "" }),
  };
}

function newSlice(service: KubeObject, labels: Readonly<Record<string, string>>, content: Content): KubeObject {
  const { name, namespace = "" } = service.metadata;
  const ipv6 = text(list(at(service, "spec", "ipFamilies"))[0]) === "IPv6";
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: "",
      generateName: `${name}-`,
      namespace,
      labels,
      ownerReferences: [controllerReference(service)],
    },
    addressType: ipv6 ? "IPv6" : "IPv4",
    ...content,
  };
}

function replaceMap(
  present: Readonly<Record<string, string>> | undefined,
  next: Readonly<Record<string, string>>,
): Readonly<Record<string, string | null>> {
  const removed = Object.keys(dict(present)).filter((key) => next[key] === undefined);
  return { ...Object.fromEntries(removed.map((key) => [key, null])), ...next };
}
