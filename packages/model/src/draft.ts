import type { Objects } from "./state.ts";

/** A map that is copied only when something in it really changes, so unchanged parts stay shared between states. */
export interface DraftMap<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  delete(key: string): void;
  readonly current: ReadonlyMap<string, T>;
}

class CopyOnWrite<T> implements DraftMap<T> {
  readonly #base: ReadonlyMap<string, T>;
  #copy: Map<string, T> | undefined;

  constructor(base: ReadonlyMap<string, T>) {
    this.#base = base;
  }

  get current(): ReadonlyMap<string, T> {
    return this.#copy ?? this.#base;
  }

  get(key: string): T | undefined {
    return this.current.get(key);
  }

  set(key: string, value: T): void {
    this.#copy ??= new Map(this.#base);
    this.#copy.set(key, value);
  }

  delete(key: string): void {
    if (!this.current.has(key)) return;
    this.#copy ??= new Map(this.#base);
    this.#copy.delete(key);
  }
}

export function createDraftMap<T>(base: ReadonlyMap<string, T>): DraftMap<T> {
  return new CopyOnWrite(base);
}

/** A draft of every object map. */
export type ObjectDrafts = {
  readonly [K in keyof Objects]: Objects[K] extends ReadonlyMap<string, infer T> ? DraftMap<T> : never;
};

export function draftObjects(objects: Objects): ObjectDrafts {
  return {
    services: createDraftMap(objects.services),
    slices: createDraftMap(objects.slices),
    pods: createDraftMap(objects.pods),
    namespaces: createDraftMap(objects.namespaces),
    nodes: createDraftMap(objects.nodes),
    peerAuthentications: createDraftMap(objects.peerAuthentications),
    virtualServices: createDraftMap(objects.virtualServices),
    destinationRules: createDraftMap(objects.destinationRules),
    serviceEntries: createDraftMap(objects.serviceEntries),
    entryStatuses: createDraftMap(objects.entryStatuses),
    workloadEntries: createDraftMap(objects.workloadEntries),
    workloadGroups: createDraftMap(objects.workloadGroups),
    unhealthyEntries: createDraftMap(objects.unhealthyEntries),
    sidecars: createDraftMap(objects.sidecars),
    gateways: createDraftMap(objects.gateways),
    envoyFilters: createDraftMap(objects.envoyFilters),
    authorizationPolicies: createDraftMap(objects.authorizationPolicies),
    telemetries: createDraftMap(objects.telemetries),
    proxyConfigs: createDraftMap(objects.proxyConfigs),
    serviceProfiles: createDraftMap(objects.serviceProfiles),
    ingresses: createDraftMap(objects.ingresses),
    ingressClasses: createDraftMap(objects.ingressClasses),
  };
}

export function settleObjects(drafts: ObjectDrafts): Objects {
  return {
    services: drafts.services.current,
    slices: drafts.slices.current,
    pods: drafts.pods.current,
    namespaces: drafts.namespaces.current,
    nodes: drafts.nodes.current,
    peerAuthentications: drafts.peerAuthentications.current,
    virtualServices: drafts.virtualServices.current,
    destinationRules: drafts.destinationRules.current,
    serviceEntries: drafts.serviceEntries.current,
    entryStatuses: drafts.entryStatuses.current,
    workloadEntries: drafts.workloadEntries.current,
    workloadGroups: drafts.workloadGroups.current,
    unhealthyEntries: drafts.unhealthyEntries.current,
    sidecars: drafts.sidecars.current,
    gateways: drafts.gateways.current,
    envoyFilters: drafts.envoyFilters.current,
    authorizationPolicies: drafts.authorizationPolicies.current,
    telemetries: drafts.telemetries.current,
    proxyConfigs: drafts.proxyConfigs.current,
    serviceProfiles: drafts.serviceProfiles.current,
    ingresses: drafts.ingresses.current,
    ingressClasses: drafts.ingressClasses.current,
  };
}
