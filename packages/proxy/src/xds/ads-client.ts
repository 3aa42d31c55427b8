import { create, type JsonObject } from "@bufbuild/protobuf";
import { type ChannelCredentials, Client, type ClientDuplexStream } from "@grpc/grpc-js";
import { type Clock, createBackoff, type Logger } from "@heddle/std";
import { type ClientStatus, createDeltaClient, type DiscoveryClient, type ResourceUpdate } from "@heddle/xds";
import { readMessage, shortTypeName, typeUrls, writeMessage } from "@heddle/xds-api";
import { NodeSchema } from "@heddle/xds-api/envoy/config/core/v3/base";
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from "@heddle/xds-api/envoy/service/discovery/v3/discovery";
import type { ResourceStore } from "../resources.ts";
import type { DiscoveryFacts } from "../telemetry/stats/process-stats.ts";
import { createIntake } from "./intake.ts";

/** Who we are towards the control plane. */
export interface AdsNode {
  readonly id: string;
  readonly cluster: string;
  readonly metadata: JsonObject;
}

export interface AdsClientDeps {
  /** `host:port` of the discovery server. */
  readonly address: string;
  readonly node: AdsNode;
  readonly version: string;
  readonly resources: Pick<ResourceStore, "prepare" | "apply" | "wantedAssignments" | "wantedRoutes" | "wantedSecrets">;
  /** Types of which everything is asked for. Default: clusters and listeners. */
  readonly types?: readonly string[];
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Secrets that come from elsewhere (the agent) and are never asked for. */
  readonly localSecrets: ReadonlySet<string>;
  /** What TLS asks for. Default: the host of `address`, which then must be a name: the runtime refuses an address there. */
  readonly serverName?: string | undefined;
  /** Asked for each connection, because certificates rotate. */
  credentials(): ChannelCredentials;
}

/** Keeps the proxy's configuration equal to the control plane's. While there is none, the last configuration stays. */
export interface AdsClient {
  start(): void;
  close(): void;
  /** Says something about us by a request of a type that nothing is asked of; said again on each new stream. */
  report(typeUrl: string, problem: string | undefined): void;
  readonly connected: boolean;
  /** For statistics. */
  facts(): DiscoveryFacts;
  status(): readonly ClientStatus[];
}

const METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;

const NO_BYTES = new Uint8Array(0);

type Stream = ClientDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>;

class GrpcAdsClient implements AdsClient {
  readonly #deps: AdsClientDeps;
  readonly #discovery: DiscoveryClient<DeltaDiscoveryResponse>;
  readonly #backoff: ReturnType<typeof createBackoff>;
  /** Names asked for by type, beside the wildcard types. */
  readonly #subscribed = new Map<string, Set<string>>();
  readonly #reports = new Map<string, DeltaDiscoveryRequest>();
  #client: Client | undefined;
  #stream: Stream | undefined;
  #closed = false;
  readonly #counts = new Map<string, { attempts: number; successes: number; rejected: number }>();
  connected = false;

  constructor(deps: AdsClientDeps) {
    this.#deps = deps;
    this.#backoff = createBackoff({ baseMs: 500, maxMs: 15_000, minMs: 100 }, deps.random);
    this.#discovery = createDeltaClient({
      node: create(NodeSchema, {
        id: deps.node.id,
        cluster: deps.node.cluster,
        metadata: deps.node.metadata,
        userAgentName: "heddle",
        userAgentVersionType: { case: "userAgentVersion", value: deps.version },
      }),
      send: (request) => this.#stream?.write(request),
      onUpdate: (update) => this.#onUpdate(update),
    });
    for (const typeUrl of deps.types ?? [typeUrls.cluster, typeUrls.listener]) this.#discovery.subscribe(typeUrl);
  }

  start(): void {
    this.#connect();
  }

  close(): void {
    this.#closed = true;
    this.#stream?.cancel();
    this.#client?.close();
  }

  report(typeUrl: string, problem: string | undefined): void {
    const errorDetail = problem === undefined ? {} : { errorDetail: { code: 13, message: problem } };
    const request = create(DeltaDiscoveryRequestSchema, { typeUrl, ...errorDetail });
    this.#reports.set(typeUrl, request);
    this.#stream?.write(request);
  }

  facts(): DiscoveryFacts {
    return {
      connected: this.connected,
      clusters: this.#countsOf(typeUrls.cluster),
      listeners: this.#countsOf(typeUrls.listener),
    };
  }

  #countsOf(typeUrl: string): { attempts: number; successes: number; rejected: number } {
    let counts = this.#counts.get(typeUrl);
    if (counts === undefined) {
      counts = { attempts: 0, successes: 0, rejected: 0 };
      this.#counts.set(typeUrl, counts);
    }
    return counts;
  }

  status(): readonly ClientStatus[] {
    return this.#discovery.status();
  }

  #connect(): void {
    if (this.#closed) return;
    const { address, log, serverName } = this.#deps;
    const client = new Client(address, this.#deps.credentials(), {
      "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
      "grpc.keepalive_time_ms": 30_000,
      "grpc.keepalive_timeout_ms": 10_000,
      "grpc.enable_retries": 0,
      ...(serverName === undefined ? {} : { "grpc.ssl_target_name_override": serverName }),
    });
    this.#client = client;
    const stream: Stream = client.makeBidiStreamRequest(
      METHOD,
      (request: DeltaDiscoveryRequest) => Buffer.from(writeMessage(DeltaDiscoveryRequestSchema, request)),
      (bytes: Buffer) => readMessage(DeltaDiscoveryResponseSchema, bytes),
    );
    this.#stream = stream;
    const intake = createIntake<DeltaDiscoveryResponse>({
      steps: ({ typeUrl, resources }) =>
        this.#deps.resources.prepare(
          typeUrl,
          // The bytes are the ones that the update will bring: what is prepared is known by them.
          resources.map((r) => ({ name: r.name, version: r.version, bytes: r.resource?.value ?? NO_BYTES })),
        ),
      take: (response) => {
        if (!this.#closed) this.#discovery.receive(response);
      },
      clock: this.#deps.clock,
      turn: (next) => void setImmediate(next),
    });
    let ended = false;
    const lost = (reason: string) => {
      if (ended) return;
      ended = true;
      this.connected = false;
      this.#stream = undefined;
      // What was not applied yet is sent again on the next stream.
      intake.close();
      this.#discovery.streamClosed();
      client.close();
      if (this.#closed) return;
      const delay = this.#backoff.next();
      log.warn("the discovery stream ended; the last configuration stays in service", {
        server: address,
        reason,
        retryInMs: Math.round(delay),
      });
      this.#deps.clock.after(delay, () => this.#connect());
    };
    stream.on("data", (response: DeltaDiscoveryResponse) => {
      if (!this.connected) {
        this.connected = true;
        this.#backoff.reset();
        log.info("receiving configuration", { server: address });
      }
      intake.add(response);
    });
    stream.on("error", (error: Error) => lost(error.message));
    stream.on("end", () => lost("the server ended it"));
    this.#discovery.streamOpened();
    for (const report of this.#reports.values()) stream.write(report);
  }

  #onUpdate(update: ResourceUpdate): string | undefined {
    const { resources, log } = this.#deps;
    const rejection = resources.apply(
      update.typeUrl,
      update.resources.map((r) => ({ name: r.name, version: r.version, bytes: r.body.value })),
      update.removed,
    );
    const counts = this.#countsOf(update.typeUrl);
    counts.attempts++;
    if (rejection === undefined) counts.successes++;
    else counts.rejected++;
    const fields = {
      type: shortTypeName(update.typeUrl),
      resources: update.resources.length,
      removed: update.removed.length,
    };
    if (rejection === undefined) log.debug("configuration applied", fields);
    else log.error("configuration refused; what was there before stays in service", { ...fields, reason: rejection });
    this.#followReferences();
    return rejection;
  }

  /** Asks for what the present configuration refers to, and no longer for what it does not. */
  #followReferences(): void {
    const { resources, localSecrets } = this.#deps;
    this.#want(typeUrls.endpoint, resources.wantedAssignments());
    this.#want(typeUrls.route, resources.wantedRoutes());
    this.#want(
      typeUrls.secret,
      resources.wantedSecrets().filter((name) => !localSecrets.has(name)),
    );
  }

  #want(typeUrl: string, names: readonly string[]): void {
    const before = this.#subscribed.get(typeUrl) ?? new Set<string>();
    const now = new Set(names);
    const fresh = names.filter((name) => !before.has(name));
    const stale = [...before].filter((name) => !now.has(name));
    this.#subscribed.set(typeUrl, now);
    if (fresh.length > 0) this.#discovery.subscribe(typeUrl, fresh);
    if (stale.length > 0) {
      this.#discovery.unsubscribe(typeUrl, stale);
      // The server says nothing about what it is no longer asked for.
      this.#deps.resources.apply(typeUrl, [], stale);
    }
  }
}

export function createAdsClient(deps: AdsClientDeps): AdsClient {
  return new GrpcAdsClient(deps);
}
