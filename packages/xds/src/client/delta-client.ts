import { create } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import type { Node } from "@heddle/xds-api/envoy/config/core/v3/base";
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
} from "@heddle/xds-api/envoy/service/discovery/v3/discovery";
import { StatusSchema } from "@heddle/xds-api/google/rpc/status";
import { rankOf } from "../type-order.ts";
import {
  type ClientStatus,
  type DiscoveryClient,
  type DiscoveryClientOptions,
  wildcardName,
} from "./discovery-client.ts";

class TypeState {
  wildcard = false;
  readonly names = new Set<string>();
  /** Versions of the accepted resources; told to the server after a reconnect. */
  readonly known = new Map<string, string>();
  /** Names that the server said do not exist. */
  readonly missing = new Set<string>();
  /** Not yet sent. */
  readonly subscribe = new Set<string>();
  readonly unsubscribe = new Set<string>();
  requested = false;
  version = "";
  rejection: string | undefined;
  applying = false;
}

/** Incremental dialect (`DeltaAggregatedResources`). */
export interface DeltaClientOptions extends DiscoveryClientOptions<DeltaDiscoveryRequest> {
  readonly node: Node;
}

class DeltaClient implements DiscoveryClient<DeltaDiscoveryResponse> {
  readonly #options: DeltaClientOptions;
  readonly #types = new Map<string, TypeState>();
  #open = false;
  #nodeSent = false;

  constructor(options: DeltaClientOptions) {
    this.#options = options;
  }

  subscribe(typeUrl: string, names?: readonly string[]): void {
    let state = this.#types.get(typeUrl);
    if (state === undefined) {
      state = new TypeState();
      this.#types.set(typeUrl, state);
    }
    if (names === undefined) {
      if (!state.wildcard) this.#want(state, wildcardName);
      state.wildcard = true;
    }
    for (const name of names ?? []) {
      if (state.names.has(name)) continue;
      state.names.add(name);
      this.#want(state, name);
    }
    this.#sendChanges(typeUrl, state);
  }

  #want(state: TypeState, name: string): void {
    if (!state.unsubscribe.delete(name)) state.subscribe.add(name);
  }

  unsubscribe(typeUrl: string, names?: readonly string[]): void {
    const state = this.#types.get(typeUrl);
    if (state === undefined) return;
    if (names === undefined && state.wildcard) {
      state.wildcard = false;
      this.#drop(state, wildcardName);
    }
    for (const name of names ?? []) {
      if (!state.names.delete(name)) continue;
      state.missing.delete(name);
      if (!state.wildcard) state.known.delete(name);
      this.#drop(state, name);
    }
    this.#sendChanges(typeUrl, state);
  }

  #drop(state: TypeState, name: string): void {
    if (!state.subscribe.delete(name)) state.unsubscribe.add(name);
  }

  streamOpened(): void {
    this.#open = true;
    this.#nodeSent = false;
    for (const state of this.#types.values()) state.requested = false;
    const ordered = [...this.#types].sort((a, b) => rankOf(a[0]) - rankOf(b[0]));
    for (const [typeUrl, state] of ordered)
      if (state.wildcard || state.names.size > 0) this.#sendChanges(typeUrl, state);
  }

  streamClosed(): void {
    this.#open = false;
  }

  receive(response: DeltaDiscoveryResponse): void {
    const { typeUrl } = response;
    const state = this.#types.get(typeUrl);
    if (state === undefined) return;
    const resources = response.resources.map((resource) => ({
      name: resource.name,
      version: resource.version,
      body: resource.resource ?? create(AnySchema),
    }));
    state.applying = true;
    const version = response.systemVersionInfo;
    const rejection = this.#options.onUpdate({ typeUrl, version, resources, removed: response.removedResources });
    state.applying = false;
    state.rejection = rejection;
    if (rejection === undefined) {
      state.version = version;
      for (const resource of resources) {
        if (!state.wildcard && !state.names.has(resource.name)) continue;
        state.known.set(resource.name, resource.version);
        state.missing.delete(resource.name);
      }
      for (const name of response.removedResources) {
        state.known.delete(name);
        if (state.names.has(name)) state.missing.add(name);
      }
    }
    if (this.#open) this.#request(typeUrl, state, { nonce: response.nonce, rejection });
  }

  status(): readonly ClientStatus[] {
    return [...this.#types].map(([typeUrl, state]) => ({
      typeUrl,
      wildcard: state.wildcard,
      names: [...state.names],
      version: state.version,
      rejection: state.rejection,
      unanswered: [...state.names].filter((name) => !state.known.has(name) && !state.missing.has(name)),
    }));
  }

  #sendChanges(typeUrl: string, state: TypeState): void {
    if (!this.#open || state.applying) return;
    if (!state.requested || state.subscribe.size > 0 || state.unsubscribe.size > 0) this.#request(typeUrl, state);
  }

  #request(
    typeUrl: string,
    state: TypeState,
    answer?: { readonly nonce: string; readonly rejection: string | undefined },
  ): void {
    const request = create(DeltaDiscoveryRequestSchema, { typeUrl });
    if (!this.#nodeSent) {
      this.#nodeSent = true;
      request.node = this.#options.node;
    }
    if (state.requested) {
      request.resourceNamesSubscribe = [...state.subscribe];
      request.resourceNamesUnsubscribe = [...state.unsubscribe];
    } else {
      state.requested = true;
      // "*" only beside names: alone, an empty first request is the wildcard that every server understands.
      if (state.wildcard && state.names.size > 0) request.resourceNamesSubscribe.push(wildcardName);
      request.resourceNamesSubscribe.push(...state.names);
      for (const [name, version] of state.known) request.initialResourceVersions[name] = version;
    }
    state.subscribe.clear();
    state.unsubscribe.clear();
    if (answer !== undefined) {
      request.responseNonce = answer.nonce;
      // 3: INVALID_ARGUMENT.
      if (answer.rejection !== undefined)
        request.errorDetail = create(StatusSchema, { code: 3, message: answer.rejection });
    }
    this.#options.send(request);
  }
}

export function createDeltaClient(options: DeltaClientOptions): DiscoveryClient<DeltaDiscoveryResponse> {
  return new DeltaClient(options);
}
