import {
  canonicalJson,
  isHealthyWorkload,
  isMeshResource,
  type KubeObject,
  type MeshResource,
  type ObjectRef,
  type PodView,
  type Problem,
  parseResource,
  readEndpointSlice,
  readEntryStatus,
  readIngress,
  readIngressClass,
  readNamespace,
  readNode,
  readPod,
  readService,
  refKey,
  refOf,
} from "@heddle/config";
import type { DraftMap, ObjectDrafts } from "./draft.ts";

/** What a source says: an object is there (new or changed), or is gone. */
export type SourceEvent =
  | { readonly kind: "upsert"; readonly object: KubeObject }
  | { readonly kind: "delete"; readonly ref: ObjectRef };

/** What a batch of events touched; keys are `namespace/name`. */
export interface Dirt {
  readonly services: Set<string>;
  /** Services of which only the endpoints changed. */
  readonly endpoints: Set<string>;
  /** Every version of a pod before and after. */
  readonly pods: { readonly before: PodView | undefined; readonly after: PodView | undefined }[];
  /** Topology, namespaces or mesh-wide data changed: build everything anew. */
  everything: boolean;
  /** Policies changed: views change, services don't. */
  policies: boolean;
  /** Routing rules changed: views change, services don't. */
  routing: boolean;
  /** Ingresses or their classes changed. */
  ingresses: boolean;
  /** ServiceEntries or WorkloadEntries changed. */
  entries: boolean;
  /** Namespaces of WorkloadEntries that changed: Services there may select them. */
  readonly entryNamespaces: Set<string>;
}

export function createDirt(): Dirt {
  return {
    services: new Set(),
    endpoints: new Set(),
    pods: [],
    everything: false,
    policies: false,
    routing: false,
    ingresses: false,
    entries: false,
    entryNamespaces: new Set(),
  };
}

/** Applies one event to the drafts and notes what it touched. Objects whose view did not change touch nothing. */
export function applyEvent(
  event: SourceEvent,
  drafts: ObjectDrafts,
  problems: DraftMap<readonly Problem[]>,
  dirt: Dirt,
): void {
  const ref = event.kind === "upsert" ? refOf(event.object) : event.ref;
  const object = event.kind === "upsert" ? event.object : undefined;
  const key = ref.namespace === "" ? ref.name : `${ref.namespace}/${ref.name}`;
  switch (`${ref.group}/${ref.kind}`) {
    case "/Service":
      if (store(drafts.services, key, object && readService(object))) dirt.services.add(key);
      return;
    case "discovery.k8s.io/EndpointSlice": {
      const before = drafts.slices.get(key);
      const after = object && readEndpointSlice(object);
      if (!store(drafts.slices, key, after)) return;
      for (const slice of [before, after]) {
        if (slice !== undefined && slice.service !== "") dirt.endpoints.add(`${slice.meta.namespace}/${slice.service}`);
      }
      return;
    }
    case "/Pod": {
      const before = drafts.pods.get(key);
      const after = object && readPod(object);
      if (store(drafts.pods, key, after)) dirt.pods.push({ before, after });
      return;
    }
    case "/Namespace":
      if (store(drafts.namespaces, key, object && readNamespace(object))) dirt.everything = true;
      return;
    case "/Node":
      if (store(drafts.nodes, key, object && topologyOf(object))) dirt.everything = true;
      return;
    case "networking.k8s.io/Ingress":
      if (store(drafts.ingresses, key, object && readIngress(object))) dirt.ingresses = true;
      return;
    case "networking.k8s.io/IngressClass":
      if (store(drafts.ingressClasses, key, object && readIngressClass(object))) dirt.ingresses = true;
      return;
    default:
      if (object === undefined ? ref.group.includes(".") : isMeshResource(object))
        applyResource(ref, object, key, drafts, problems, dirt);
  }
}

/** Nodes matter by topology and addresses only; their heartbeats must not look like changes. */
function topologyOf(object: KubeObject): ReturnType<typeof readNode> {
  const node = readNode(object);
  return { ...node, meta: { ...node.meta, labels: {}, annotations: {}, generation: 0 } };
}

function applyResource(
  ref: ObjectRef,
  object: KubeObject | undefined,
  key: string,
  drafts: ObjectDrafts,
  problems: DraftMap<readonly Problem[]>,
  dirt: Dirt,
): void {
  const id = refKey(ref);
  const result = object === undefined ? undefined : parseResource(object);
  const found = result === undefined ? [] : result.ok ? result.warnings : result.problems;
  if (found.length > 0) problems.set(id, found);
  else problems.delete(id);
  // An invalid change leaves the last valid version in force.
  if (result !== undefined && !result.ok) return;
  storeResource(ref, key, result?.value, drafts, dirt);
  if (ref.kind === "ServiceEntry" && store(drafts.entryStatuses, key, object && readEntryStatus(object)))
    dirt.entries = true;
  const unhealthy = object !== undefined && ref.kind === "WorkloadEntry" && !isHealthyWorkload(object);
  if (ref.kind === "WorkloadEntry" && store(drafts.unhealthyEntries, key, unhealthy ? true : undefined))
    touchEntry(key, dirt);
}

function touchEntry(key: string, dirt: Dirt): void {
  dirt.entries = true;
  dirt.entryNamespaces.add(key.slice(0, key.indexOf("/")));
}

function storeResource(
  ref: ObjectRef,
  key: string,
  value: MeshResource | undefined,
  drafts: ObjectDrafts,
  dirt: Dirt,
): void {
  const kind = `${ref.group}/${ref.kind}`;
  const as = <K extends MeshResource["kind"]>(wanted: K): Extract<MeshResource, { kind: K }> | undefined =>
    value?.kind === wanted ? (value as Extract<MeshResource, { kind: K }>) : undefined;
  switch (kind) {
    case "security.istio.io/PeerAuthentication":
      if (store(drafts.peerAuthentications, key, as("PeerAuthentication"))) dirt.policies = true;
      return;
    case "networking.istio.io/VirtualService":
      if (store(drafts.virtualServices, key, as("VirtualService"))) dirt.routing = true;
      return;
    case "networking.istio.io/DestinationRule":
      if (store(drafts.destinationRules, key, as("DestinationRule"))) dirt.routing = true;
      return;
    case "networking.istio.io/Sidecar":
      if (store(drafts.sidecars, key, as("Sidecar"))) dirt.routing = true;
      return;
    case "networking.istio.io/Gateway":
      if (store(drafts.gateways, key, as("Gateway"))) dirt.routing = true;
      return;
    case "networking.istio.io/EnvoyFilter":
      if (store(drafts.envoyFilters, key, as("EnvoyFilter"))) dirt.routing = true;
      return;
    case "security.istio.io/AuthorizationPolicy":
      if (store(drafts.authorizationPolicies, key, as("AuthorizationPolicy"))) dirt.routing = true;
      return;
    case "telemetry.istio.io/Telemetry":
      if (store(drafts.telemetries, key, as("Telemetry"))) dirt.routing = true;
      return;
    case "networking.istio.io/ProxyConfig":
      // Read at injection only: nothing that is running changes.
      store(drafts.proxyConfigs, key, as("ProxyConfig"));
      return;
    case "linkerd.io/ServiceProfile":
      if (store(drafts.serviceProfiles, key, as("ServiceProfile"))) dirt.routing = true;
      return;
    case "networking.istio.io/ServiceEntry":
      if (store(drafts.serviceEntries, key, as("ServiceEntry"))) dirt.entries = true;
      return;
    case "networking.istio.io/WorkloadGroup":
      // Read when a workload connects: nothing that is running changes.
      store(drafts.workloadGroups, key, as("WorkloadGroup"));
      return;
    case "networking.istio.io/WorkloadEntry":
      if (store(drafts.workloadEntries, key, as("WorkloadEntry"))) touchEntry(key, dirt);
      return;
  }
}

/** Returns whether anything changed. */
export function store<T>(map: DraftMap<T>, key: string, value: T | undefined): boolean {
  const before = map.get(key);
  if (value === undefined) {
    map.delete(key);
    return before !== undefined;
  }
  if (before !== undefined && canonicalJson(before) === canonicalJson(value)) return false;
  map.set(key, value);
  return true;
}
