import type { ClusterApi, ResourceId, WatchEvent } from "../contract/index.ts";
import { decodeEndpointSlice, decodeService, type EndpointSlice, type Service } from "./service.ts";

/** Services and their endpoints, kept current by two watches. Shared by the service proxy and DNS. */
export interface ServiceCatalogue {
  /** Resolves when both lists are complete. */
  start(): Promise<void>;
  services(): Iterable<Service>;
  service(namespace: string, name: string): Service | undefined;
  slices(namespace: string, service: string): readonly EndpointSlice[];
  hasNamespace(namespace: string): boolean;
  /** Called after each change, with the Service (`namespace/name`) it concerns; not before `start` resolved. */
  onChange(listener: (service: string) => void): void;
  close(): void;
}

const SERVICES: ResourceId = { group: "", version: "v1", resource: "services" };
const NAMESPACES: ResourceId = { group: "", version: "v1", resource: "namespaces" };
const SLICES: ResourceId = { group: "discovery.k8s.io", version: "v1", resource: "endpointslices" };

class WatchedCatalogue implements ServiceCatalogue {
  readonly #api: ClusterApi;
  readonly #services = new Map<string, Service>();
  readonly #namespaces = new Set<string>();
  /** By `namespace/service`, then by slice name. */
  readonly #slices = new Map<string, Map<string, EndpointSlice>>();
  /** Which Service a slice was counted under: labels may change. */
  readonly #ownerOf = new Map<string, string>();
  readonly #listeners: ((service: string) => void)[] = [];
  #watches: { close(): void }[] = [];
  #synced = false;

  constructor(api: ClusterApi) {
    this.#api = api;
  }

  async start(): Promise<void> {
    await Promise.all([
      this.#watch(NAMESPACES, (event) => this.#namespaceEvent(event)),
      this.#watch(SERVICES, (event) => this.#serviceEvent(event)),
      this.#watch(SLICES, (event) => this.#sliceEvent(event)),
    ]);
    this.#synced = true;
  }

  #watch(resource: ResourceId, onEvent: (event: WatchEvent) => void): Promise<void> {
    return new Promise((resolve) => {
      this.#watches.push(this.#api.watch(resource, {}, onEvent, resolve));
    });
  }

  #namespaceEvent({ type, object }: WatchEvent): void {
    if (type === "DELETED") this.#namespaces.delete(object.metadata.name);
    else this.#namespaces.add(object.metadata.name);
  }

  #serviceEvent({ type, object }: WatchEvent): void {
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    if (type === "DELETED") this.#services.delete(key);
    else this.#services.set(key, decodeService(object));
    this.#changed(key);
  }

  #sliceEvent({ type, object }: WatchEvent): void {
    const sliceKey = `${object.metadata.namespace}/${object.metadata.name}`;
    const slice = type === "DELETED" ? undefined : decodeEndpointSlice(object);
    const before = this.#ownerOf.get(sliceKey);
    const owner = slice === undefined ? undefined : `${slice.namespace}/${slice.service}`;
    if (before !== undefined && before !== owner) {
      this.#slices.get(before)?.delete(sliceKey);
      this.#ownerOf.delete(sliceKey);
      this.#changed(before);
    }
    if (slice === undefined || owner === undefined) return;
    const present = this.#slices.get(owner) ?? new Map<string, EndpointSlice>();
    present.set(sliceKey, slice);
    this.#slices.set(owner, present);
    this.#ownerOf.set(sliceKey, owner);
    this.#changed(owner);
  }

  #changed(service: string): void {
    if (this.#synced) for (const listener of this.#listeners) listener(service);
  }

  services(): Iterable<Service> {
    return this.#services.values();
  }
  service(namespace: string, name: string): Service | undefined {
    return this.#services.get(`${namespace}/${name}`);
  }
  slices(namespace: string, service: string): readonly EndpointSlice[] {
    return [...(this.#slices.get(`${namespace}/${service}`)?.values() ?? [])];
  }
  hasNamespace(namespace: string): boolean {
    return this.#namespaces.has(namespace);
  }
  onChange(listener: (service: string) => void): void {
    this.#listeners.push(listener);
  }
  close(): void {
    for (const watch of this.#watches) watch.close();
    this.#watches = [];
  }
}

export function createServiceCatalogue(api: ClusterApi): ServiceCatalogue {
  return new WatchedCatalogue(api);
}
