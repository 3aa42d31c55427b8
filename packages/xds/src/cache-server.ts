import type { Node } from "@heddle/xds-api/envoy/config/core/v3/base";
import type { DeltaDiscoveryRequest, DiscoveryRequest } from "@heddle/xds-api/envoy/service/discovery/v3/discovery";
import { createNamePool } from "./server/name-pool.ts";
import { readDeltaRequest, readSotwRequest } from "./server/request.ts";
import { createResponseEncoder } from "./server/response.ts";
import { createServerStream, type ServerStream, type SyncStatus } from "./server/server-stream.ts";
import type { SnapshotCache } from "./snapshot-cache.ts";

/** A connected client, and where it stands with each type: what it was sent, what it acknowledged, what it refused and why. */
export interface CacheClient {
  /** `node.id` of its first request; empty before that. */
  readonly nodeId: string;
  readonly group: string;
  readonly dialect: "sotw" | "delta";
  readonly types: readonly SyncStatus[];
}

/** One discovery stream of a client. */
export interface CacheStream<Request> {
  receive(request: Request): void;
  /** Back-pressure: nothing is sent while paused; changes collapse into the newest. */
  pause(): void;
  resume(): void;
  close(): void;
}

/** Serves a snapshot cache to any number of streams. Sockets are the caller's. */
export interface CacheServer {
  sotw(send: (response: Uint8Array) => void): CacheStream<DiscoveryRequest>;
  delta(send: (response: Uint8Array) => void): CacheStream<DeltaDiscoveryRequest>;
  readonly clients: readonly CacheClient[];
}

export interface CacheServerOptions {
  readonly cache: SnapshotCache;
  /** Which group of the cache a client gets. Default: its `node.cluster`. */
  groupOf?(node: Node): string;
}

class Client implements CacheClient {
  nodeId = "";
  group = "";
  readonly dialect: "sotw" | "delta";
  readonly #stream: ServerStream;

  constructor(dialect: "sotw" | "delta", stream: ServerStream) {
    this.dialect = dialect;
    this.#stream = stream;
  }

  get types(): readonly SyncStatus[] {
    return this.#stream.status();
  }
}

class Server implements CacheServer {
  readonly #options: CacheServerOptions;
  readonly #encoder = createResponseEncoder();
  readonly #names = createNamePool();
  readonly #clients = new Set<Client>();

  constructor(options: CacheServerOptions) {
    this.#options = options;
  }

  get clients(): readonly CacheClient[] {
    return [...this.#clients];
  }

  sotw(send: (response: Uint8Array) => void): CacheStream<DiscoveryRequest> {
    return this.#open("sotw", send, readSotwRequest);
  }

  delta(send: (response: Uint8Array) => void): CacheStream<DeltaDiscoveryRequest> {
    return this.#open("delta", send, readDeltaRequest);
  }

  #open<Request extends { readonly node?: Node | undefined }>(
    dialect: "sotw" | "delta",
    send: (response: Uint8Array) => void,
    read: (request: Request) => Parameters<ServerStream["receive"]>[0],
  ): CacheStream<Request> {
    const { cache, groupOf = (node: Node) => node.cluster } = this.#options;
    const stream = createServerStream({
      dialect,
      names: this.#names,
      send: (response) => send(this.#encoder.encode(dialect, response)),
    });
    const client = new Client(dialect, stream);
    this.#clients.add(client);
    let unfollow: (() => void) | undefined;
    return {
      receive: (request) => {
        // Only the first request has to carry the node.
        if (unfollow === undefined && request.node !== undefined) {
          client.nodeId = request.node.id;
          client.group = groupOf(request.node);
          unfollow = cache.follow(client.group, (snapshot) => stream.update(snapshot));
        }
        stream.receive(read(request));
      },
      pause: () => stream.pause(),
      resume: () => stream.resume(),
      close: () => {
        unfollow?.();
        this.#clients.delete(client);
      },
    };
  }
}

/**
 * Serves a snapshot cache.
 *
 * ```ts
 * const cache = createSnapshotCache();
 * const server = createCacheServer({ cache });
 * // for each gRPC stream `call` of StreamAggregatedResources:
 * const stream = server.sotw((bytes) => call.write(bytes));
 * call.on("data", (request) => stream.receive(request));
 * call.on("close", () => stream.close());
 * ```
 */
export function createCacheServer(options: CacheServerOptions): CacheServer {
  return new Server(options);
}
