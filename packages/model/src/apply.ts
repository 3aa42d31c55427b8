import { labelsMatch, type PodView, type ServiceView } from "@heddle/config";
import { endpointsOf } from "./build-endpoints.ts";
import { hostnameOf, meshServiceOf } from "./build-service.ts";
import { spiffeId, workloadsOf } from "./build-workload.ts";
import { deriveEntries } from "./derive-entries.ts";
import { createDraftMap, type DraftMap, draftObjects, settleObjects } from "./draft.ts";
import { applyEvent, createDirt, type Dirt, type SourceEvent } from "./events.ts";
import { followIngresses } from "./follow-ingresses.ts";
import { contentHash } from "./hash.ts";
import { clusterNetwork } from "./networks.ts";
import { plainPortTest } from "./peer-authentication.ts";
import { selectedEntries, withWorkloadEntries } from "./service-workload-entries.ts";
import { type MeshOptions, type MeshState, type Objects, settingsOf } from "./state.ts";
import type { Workload } from "./workload.ts";

/** What changed between two states, so that only that is pushed. */
export interface MeshChange {
  /** Views of proxies may have changed: listeners, routes or clusters. */
  readonly views: boolean;
  /** Hostnames whose endpoints changed. */
  readonly endpoints: readonly string[];
}

export interface Applied {
  readonly state: MeshState;
  readonly change: MeshChange;
}

/** The mesh after a batch of events. Give the first listing of everything as one batch. */
export function applyEvents(state: MeshState, events: readonly SourceEvent[]): Applied {
  const drafts = draftObjects(state.objects);
  const problems = createDraftMap(state.problems);
  const dirt = createDirt();
  for (const event of events) applyEvent(event, drafts, problems, dirt);
  followIngresses(drafts, problems, state.settings, dirt);
  return derive({ ...state, objects: settleObjects(drafts), problems: problems.current }, dirt);
}

/** The same objects under other mesh settings. */
export function applySettings(state: MeshState, options: MeshOptions): Applied {
  const dirt = createDirt();
  dirt.everything = true;
  dirt.policies = true;
  const drafts = draftObjects(state.objects);
  const settings = settingsOf(options);
  const problems = createDraftMap(state.problems);
  followIngresses(drafts, problems, settings, dirt);
  return derive({ ...state, objects: settleObjects(drafts), problems: problems.current, settings }, dirt);
}

function derive(state: MeshState, dirt: Dirt): Applied {
  const { objects, settings } = state;
  const workloads = createDraftMap(state.workloads);
  if (dirt.everything) {
    for (const pod of objects.pods.values()) putWorkloads(pod, objects, state, workloads);
    for (const key of [...state.objects.services.keys()]) dirt.services.add(key);
  }
  for (const { before, after } of dirt.pods) {
    for (const ip of before?.ips ?? []) {
      // The address may already belong to a newer pod.
      if (workloads.get(ip)?.name === before?.meta.name) workloads.delete(ip);
    }
    if (after !== undefined) putWorkloads(after, objects, state, workloads);
  }
  markServicesOfPods(objects, dirt);
  for (const [key, service] of dirt.entryNamespaces.size > 0 ? objects.services : []) {
    if (dirt.entryNamespaces.has(service.meta.namespace) && Object.keys(service.selector).length > 0)
      dirt.endpoints.add(key);
  }

  const services = createDraftMap(state.services);
  const endpoints = createDraftMap(state.endpoints);
  const isPlain = plainPortTest(objects.peerAuthentications, settings.rootNamespace);
  // A policy may switch mutual TLS off or on for endpoints; which ones, their hashes tell.
  if (dirt.policies) for (const key of objects.services.keys()) dirt.endpoints.add(key);
  const changedEndpoints: string[] = [];
  // Labels of namespaces may decide what belongs to the mesh.
  const reselected = dirt.everything && settings.mesh.discoverySelectors.length > 0;
  let { allocation } = state;
  let views = dirt.policies || dirt.routing || reselected;
  const touched = new Set([...dirt.services, ...dirt.endpoints]);
  const named = namesByNamespace(touched);
  const slices = groupBy(touched.size === 0 ? [] : objects.slices.values(), ({ meta: { namespace }, service }) =>
    // A key is made for the few that matter only: one flapping endpoint passes every slice of the mesh here.
    named.get(namespace)?.has(service) === true ? `${namespace}/${service}` : undefined,
  );
  const pods = groupBy(touched.size === 0 ? [] : objects.pods.values(), ({ meta: { namespace } }) =>
    named.has(namespace) ? namespace : undefined,
  );
  for (const key of touched) {
    const view = objects.services.get(key);
    const [namespace = "", name = ""] = key.split("/");
    const hostname = hostnameOf(name, namespace, settings.domain);
    if (view === undefined) {
      if (services.get(hostname) !== undefined) {
        views = true;
        // A ServiceEntry that was hidden by the Service may come forth now.
        dirt.entries = true;
      }
      services.delete(hostname);
      endpoints.delete(hostname);
      continue;
    }
    const external = selectedEntries(view, objects, settings);
    const identities = identitiesOf(view, pods.get(namespace) ?? [], external, state);
    const service = meshServiceOf(view, objects.namespaces.get(namespace), identities, settings);
    const old = services.get(hostname);
    if (old === undefined || contentHash(old) !== contentHash(service)) {
      services.set(hostname, service);
      views = true;
    }
    const context = { isPlain, workloads: workloads.current, pods: objects.pods, nodes: objects.nodes };
    const found = withWorkloadEntries(endpointsOf(view, slices.get(key) ?? [], context), view, external, isPlain);
    if (endpoints.get(hostname)?.hash === found.hash) continue;
    endpoints.set(hostname, found);
    changedEndpoints.push(hostname);
    // Listeners of headless services name the addresses of their endpoints.
    if (service.headless) views = true;
  }
  if (dirt.entries || dirt.everything || dirt.policies || selectsPods(objects, dirt)) {
    const derived = deriveEntries(objects, services, endpoints, {
      settings,
      isPlain,
      workloads: workloads.current.values(),
      workloadEntries: objects.workloadEntries.values(),
      isUnhealthy: ({ ref }) => objects.unhealthyEntries.has(`${ref.namespace}/${ref.name}`),
    });
    views ||= derived.views;
    changedEndpoints.push(...derived.endpoints);
    allocation = derived.allocation;
  }
  // A workload's own labels decide which services and policies are inbound for it.
  if (
    dirt.pods.length > 0 &&
    dirt.pods.some(({ before, after }) => after !== undefined && inboundKey(before) !== inboundKey(after))
  )
    views = true;
  return {
    state: {
      ...state,
      workloads: workloads.current,
      services: services.current,
      endpoints: endpoints.current,
      allocation,
    },
    change: { views, endpoints: changedEndpoints },
  };
}

/** Only ServiceEntries that select workloads depend on pods. */
function selectsPods(objects: Objects, dirt: Dirt): boolean {
  if (dirt.pods.length === 0 || objects.serviceEntries.size === 0) return false;
  return [...objects.serviceEntries.values()].some((entry) => entry.spec.workloadSelector !== undefined);
}

function inboundKey(pod: PodView | undefined): string {
  return pod === undefined ? "" : contentHash([pod.meta.labels, pod.ips, pod.ports]);
}

function putWorkloads(pod: PodView, objects: Objects, state: MeshState, workloads: DraftMap<Workload>): void {
  // Pods on the host's network share its address, and no sidecar stands before them.
  if (pod.hostNetwork) return;
  const network = clusterNetwork({ objects }, state.settings.rootNamespace);
  for (const workload of workloadsOf(pod, objects.nodes.get(pod.nodeName), state.settings, network))
    workloads.set(workload.ip, workload);
}

/** A pod's change matters to the services that select it (their identities) and to those whose slices name it or its address. */
function markServicesOfPods(objects: Objects, dirt: Dirt): void {
  if (dirt.pods.length === 0) return;
  const names = new Set<string>();
  const addresses = new Set<string>();
  for (const pod of dirt.pods.flatMap(({ before, after }) => [before, after])) {
    if (pod === undefined) continue;
    names.add(`${pod.meta.namespace}/${pod.meta.name}`);
    for (const ip of pod.ips) addresses.add(ip);
  }
  for (const slice of objects.slices.values()) {
    const { namespace } = slice.meta;
    const touched = slice.endpoints.some(
      (entry) => names.has(`${namespace}/${entry.pod}`) || entry.addresses.some((address) => addresses.has(address)),
    );
    if (touched && slice.service !== "") dirt.endpoints.add(`${namespace}/${slice.service}`);
  }
  for (const [key, service] of objects.services) {
    if (dirt.services.has(key) || dirt.endpoints.has(key)) continue;
    const selected = dirt.pods.some(({ before, after }) =>
      [before, after].some((pod) => pod !== undefined && selects(service, pod)),
    );
    if (selected) dirt.endpoints.add(key);
  }
}

/** A service without selector has its slices from elsewhere, and they may name any pod of the namespace. */
function selects(service: ServiceView, pod: PodView): boolean {
  return service.meta.namespace === pod.meta.namespace && labelsMatch(service.selector, pod.meta.labels);
}

/** SPIFFE ids of all pods that the service selects, ready or not: a restart must not change them. */
function identitiesOf(
  service: ServiceView,
  pods: readonly PodView[],
  external: readonly Workload[],
  state: MeshState,
): readonly string[] {
  if (Object.keys(service.selector).length === 0) return [];
  const ids = new Set(external.map((workload) => workload.spiffeId));
  for (const pod of pods) {
    if (pod.phase === "Succeeded" || pod.phase === "Failed" || !selects(service, pod)) continue;
    ids.add(spiffeId(state.settings.trustDomain, pod.meta.namespace, pod.serviceAccount));
  }
  return [...ids].sort();
}

/** Of keys `namespace/name`. */
function namesByNamespace(keys: Iterable<string>): ReadonlyMap<string, ReadonlySet<string>> {
  const named = new Map<string, Set<string>>();
  for (const key of keys) {
    const [namespace = "", name = ""] = key.split("/");
    const names = named.get(namespace);
    if (names === undefined) named.set(namespace, new Set([name]));
    else names.add(name);
  }
  return named;
}

/** Items whose key is undefined are left out. */
function groupBy<T>(items: Iterable<T>, keyOf: (item: T) => string | undefined): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
