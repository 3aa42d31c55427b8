import { createHash } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { createHashMemo, type HashMemo, type OutboundView } from "@heddle/model";
import { type OutboundParts, type Part, type PortRoutes, translateOutboundParts } from "@heddle/translate";
import { createPiecedResource, type EncodedResource } from "@heddle/xds";
import { ClusterSchema } from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import { ListenerSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener";
import { RouteConfigurationSchema } from "@heddle/xds-api/envoy/config/route/v3/route";
import { VirtualHostSchema } from "@heddle/xds-api/envoy/config/route/v3/route_components";
import { contentVersion, type EncodedResources, encodeResource } from "./encode.ts";

/** Encodes outbound views, and keeps the bytes of their parts: a changed rule costs its own part, not the thousand others of each view. */
export interface PartCache {
  /** Undefined: this view has no parts. */
  encode(view: OutboundView): EncodedResources | undefined;
  /** Forgets parts that no view of the last rounds had. Call it once for each new state. */
  turn(): void;
  readonly size: number;
}

/** Parts that were not used for so many turns are forgotten. */
const PATIENCE = 8;

interface Kept<Value> {
  readonly value: Value;
  lastUsed: number;
}

class Parts implements PartCache {
  readonly #hashes: HashMemo;
  readonly #pieceHashes = new WeakMap<Uint8Array, string>();
  readonly #sharedKeys = new WeakMap<object, string>();
  readonly #clusters = new Map<string, Kept<readonly EncodedResource[]>>();
  /** Frames of route configurations and of virtual hosts. */
  readonly #bytes = new Map<string, Kept<Uint8Array>>();
  #turn = 0;

  constructor(hashes: HashMemo) {
    this.#hashes = hashes;
  }

  get size(): number {
    return this.#clusters.size + this.#bytes.size;
  }

  turn(): void {
    this.#turn++;
    for (const map of [this.#clusters, this.#bytes])
      for (const [key, kept] of map) if (kept.lastUsed < this.#turn - PATIENCE) map.delete(key);
  }

  encode(view: OutboundView): EncodedResources | undefined {
    const parts = translateOutboundParts(view);
    return parts === undefined ? undefined : this.#encode(parts);
  }

  #encode(parts: OutboundParts): EncodedResources {
    return {
      clusters: [
        ...parts.clusters.flatMap((part) =>
          this.#keep(this.#clusters, part, () =>
            part.make().map((cluster) => encodeResource(ClusterSchema, cluster.name, cluster)),
          ),
        ),
        ...parts.ownClusters.map((cluster) => encodeResource(ClusterSchema, cluster.name, cluster)),
      ],
      listeners: parts.listeners.map((listener) => encodeResource(ListenerSchema, listener.name, listener)),
      routes: [
        ...parts.routes.map((port) => this.#routes(port)),
        ...parts.ownRoutes.map((route) => encodeResource(RouteConfigurationSchema, route.name, route)),
      ],
    };
  }

  /** Repeated fields may stand anywhere in a message, so the virtual hosts follow the rest. Source: Protocol Buffers encoding. */
  #routes({ name, frame, hosts }: PortRoutes): EncodedResource {
    const chunks = [this.#keep(this.#bytes, frame, () => toBinary(RouteConfigurationSchema, frame.make()))];
    for (const host of hosts) {
      const encode = (): Uint8Array =>
        element(
          RouteConfigurationSchema.field.virtualHosts.number,
          toBinary(VirtualHostSchema, create(VirtualHostSchema, host.make())),
        );
      const { inputs } = host;
      chunks.push(inputs === undefined ? encode() : this.#keep(this.#bytes, { inputs }, encode));
    }
    return createPiecedResource(name, this.#versionOf(chunks), chunks);
  }

  /** Equal pieces in equal order, equal version; each piece is hashed once in its life. */
  #versionOf(pieces: readonly Uint8Array[]): string {
    const hash = createHash("sha1");
    for (const piece of pieces) {
      let known = this.#pieceHashes.get(piece);
      if (known === undefined) {
        known = contentVersion(piece);
        this.#pieceHashes.set(piece, known);
      }
      hash.update(known);
    }
    return hash.digest("base64url").slice(0, 16);
  }

  #keep<Value>(
    map: Map<string, Kept<Value>>,
    part: Pick<Part<unknown>, "inputs" | "shared">,
    make: () => Value,
  ): Value {
    const key = this.#keyOf(part.inputs) + (part.shared === undefined ? "" : this.#sharedKey(part.shared));
    const known = map.get(key);
    if (known !== undefined) {
      known.lastUsed = this.#turn;
      return known.value;
    }
    const value = make();
    map.set(key, { value, lastUsed: this.#turn });
    return value;
  }

  #keyOf(inputs: Part<unknown>["inputs"]): string {
    let key = "";
    for (const input of inputs) key += typeof input === "object" ? `${this.#hashes.of(input)}\u0000` : `${input}\u0000`;
    return key;
  }

  #sharedKey(inputs: Part<unknown>["inputs"]): string {
    const known = this.#sharedKeys.get(inputs);
    if (known !== undefined) return known;
    const key = createHash("sha1").update(this.#keyOf(inputs)).digest("base64url");
    this.#sharedKeys.set(inputs, key);
    return key;
  }
}

/** One element of a repeated message field, with its head. */
function element(field: number, body: Uint8Array): Uint8Array {
  const head = [(field << 3) | 2];
  let rest = body.length;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) head.push((rest % 128) | 0x80);
  head.push(rest);
  return Buffer.concat([Uint8Array.from(head), body]);
}

/** @param hashes Shared with who made the views, so that nothing is hashed twice. */
export function createPartCache(hashes = createHashMemo()): PartCache {
  return new Parts(hashes);
}
