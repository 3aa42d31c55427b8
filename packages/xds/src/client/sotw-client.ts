import { create } from "@bufbuild/protobuf";
import { type Any, AnySchema } from "@bufbuild/protobuf/wkt";
import { unpackAny } from "@heddle/xds-api";
import type { Node } from "@heddle/xds-api/envoy/config/core/v3/base";
import {
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  type DiscoveryResponse,
  ResourceSchema,
} from "@heddle/xds-api/envoy/service/discovery/v3/discovery";
import { StatusSchema } from "@heddle/xds-api/google/rpc/status";
import { resourceName } from "../resource-name.ts";
import { isFullState, rankOf } from "../type-order.ts";
import type { ClientStatus, DiscoveryClient, DiscoveryClientOptions, ReceivedResource } from "./discovery-client.ts";

class TypeState {
  wildcard = false;
  readonly names = new Set<string>();
  /** Names of the last accepted state. */
  readonly known = new Set<string>();
  version = "";
  /** Nonce of this stream's last response; empty before the first. */
  nonce = "";
  rejection: string | undefined;
  /** True while an update is applied: changes of the subscription go out with the answer. */
  applying = false;
}

/** State-of-the-world dialect (`StreamAggregatedResources`). */
export interface SotwClientOptions extends DiscoveryClientOptions<DiscoveryRequest> {
  readonly node: Node;
}

class SotwClient implements DiscoveryClient<DiscoveryResponse> {
  readonly #options: SotwClientOptions;
  readonly #types = new Map<string, TypeState>();
  #open = false;
  #nodeSent = false;

  constructor(options: SotwClientOptions) {
    this.#options = options;
  }

  subscribe(typeUrl: string, names?: readonly string[]): void {
    const state = this.#types.get(typeUrl) ?? new TypeState();
    const isNew = !this.#types.has(typeUrl);
    this.#types.set(typeUrl, state);
    const before = state.names.size;
    let changed = isNew;
    if (names === undefined) {
      changed ||= !state.wildcard;
      state.wildcard = true;
    } else {
      for (const name of names) state.names.add(name);
      changed ||= state.names.size !== before;
    }
    if (changed && this.#open && !state.applying) this.#request(typeUrl, state);
  }

  unsubscribe(typeUrl: string, names?: readonly string[]): void {
    const state = this.#types.get(typeUrl);
    if (state === undefined) return;
    let changed = false;
    if (names === undefined) {
      changed = state.wildcard;
      state.wildcard = false;
    } else {
      for (const name of names) {
        changed = state.names.delete(name) || changed;
        state.known.delete(name);
      }
    }
    if (changed && this.#open && !state.applying) this.#request(typeUrl, state);
  }

  streamOpened(): void {
    this.#open = true;
    this.#nodeSent = false;
    for (const state of this.#types.values()) state.nonce = "";
    const ordered = [...this.#types].sort((a, b) => rankOf(a[0]) - rankOf(b[0]));
    for (const [typeUrl, state] of ordered) if (state.wildcard || state.names.size > 0) this.#request(typeUrl, state);
  }

  streamClosed(): void {
    this.#open = false;
  }

  receive(response: DiscoveryResponse): void {
    const { typeUrl } = response;
    const state = this.#types.get(typeUrl);
    // Not asked for (any more): without a subscription there is nothing to answer.
    if (state === undefined) return;
    state.nonce = response.nonce;
    state.applying = true;
    const rejection = this.#apply(typeUrl, state, response);
    state.applying = false;
    state.rejection = rejection;
    if (rejection === undefined) state.version = response.versionInfo;
    if (this.#open) this.#request(typeUrl, state, rejection);
  }

  #apply(typeUrl: string, state: TypeState, response: DiscoveryResponse): string | undefined {
    const resources: ReceivedResource[] = [];
    const problems: string[] = [];
    for (const any of response.resources) {
      const resource = unwrap(typeUrl, any, response.versionInfo);
      if (typeof resource === "string") problems.push(resource);
      else if (state.wildcard || state.names.has(resource.name)) resources.push(resource);
    }
    if (problems.length > 0) return problems.join("; ");
    const present = new Set(resources.map((resource) => resource.name));
    const removed = isFullState(typeUrl) ? [...state.known].filter((name) => !present.has(name)) : [];
    if (isFullState(typeUrl) && !state.wildcard) {
      for (const name of state.names) if (!present.has(name) && !state.known.has(name)) removed.push(name);
    }
    const rejection = this.#options.onUpdate({ typeUrl, version: response.versionInfo, resources, removed });
    if (rejection !== undefined) return rejection;
    for (const name of removed) state.known.delete(name);
    for (const name of present) state.known.add(name);
    return undefined;
  }

  status(): readonly ClientStatus[] {
    return [...this.#types].map(([typeUrl, state]) => ({
      typeUrl,
      wildcard: state.wildcard,
      names: [...state.names],
      version: state.version,
      rejection: state.rejection,
      unanswered: [...state.names].filter((name) => !state.known.has(name)),
    }));
  }

  #request(typeUrl: string, state: TypeState, rejection?: string): void {
    const request = create(DiscoveryRequestSchema, {
      typeUrl,
      versionInfo: state.version,
      responseNonce: state.nonce,
      resourceNames: state.wildcard && state.names.size > 0 ? ["*", ...state.names] : [...state.names],
    });
    if (!this.#nodeSent) {
      this.#nodeSent = true;
      request.node = this.#options.node;
    }
    // 3: INVALID_ARGUMENT.
    if (rejection !== undefined) request.errorDetail = create(StatusSchema, { code: 3, message: rejection });
    this.#options.send(request);
  }
}

/** A resource may come inside a `Resource` that names it. Errors: a sentence. */
function unwrap(typeUrl: string, packed: Any, version: string): ReceivedResource | string {
  try {
    const wrapper = unpackAny(packed, ResourceSchema);
    if (wrapper !== undefined) {
      return { name: wrapper.name, version: wrapper.version || version, body: wrapper.resource ?? create(AnySchema) };
    }
  } catch (error) {
    return `a Resource of ${typeUrl} cannot be decoded: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (packed.typeUrl !== typeUrl)
    return `the response of ${typeUrl} holds a ${packed.typeUrl || "resource without type"}`;
  const name = resourceName(typeUrl, packed.value);
  return name === undefined
    ? `a resource of ${typeUrl} has no name or is not a message`
    : { name, version, body: packed };
}

export function createSotwClient(options: SotwClientOptions): DiscoveryClient<DiscoveryResponse> {
  return new SotwClient(options);
}
