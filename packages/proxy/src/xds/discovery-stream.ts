import { type ChannelCredentials, Client, type ClientDuplexStream, Metadata } from "@grpc/grpc-js";
import { type Clock, createBackoff, type Logger } from "@heddle/std";
import type { ClientStatus, DiscoveryClient, DiscoveryClientOptions } from "@heddle/xds";
import type { DiscoveryDialect } from "../config/config-origin.ts";
import type { ResourceStore } from "../resources.ts";
import { DELTA, SOTW, type StreamDialect } from "./dialects.ts";
import { createIntake } from "./intake.ts";
import { type AdsNode, nodeMessage } from "./node-message.ts";

/** How a server is reached. */
export interface DiscoveryTarget {
  /** `host:port`, or `unix:PATH`. */
  readonly address: string;
  /** What TLS asks for. Default: the host of `address`, which then must be a name: the runtime refuses an address there. */
  readonly serverName?: string | undefined;
  /** What HTTP/2 asks for; default: the address. */
  readonly authority?: string | undefined;
  readonly metadata?: readonly (readonly [name: string, value: string])[];
  /** Asked for each connection, because certificates rotate. */
  credentials(): ChannelCredentials;
}

export interface DiscoveryStreamDeps {
  readonly target: DiscoveryTarget;
  readonly dialect: DiscoveryDialect;
  /** Full name of the service, and of its method in either dialect. */
  readonly service: DiscoveryService;
  readonly node: AdsNode;
  readonly version: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly resources: Pick<ResourceStore, "prepare">;
  /** Applies an update; a reason refuses it. */
  onUpdate: DiscoveryClientOptions<unknown>["onUpdate"];
}

export interface DiscoveryService {
  readonly name: string;
  readonly sotw: string;
  readonly delta: string;
}

/** Counted over all streams, one after the other. */
export interface StreamTraffic {
  readonly opened: number;
  /** Streams over which something came. */
  readonly answered: number;
  /** Streams that ended by themselves before anything came. */
  readonly lost: number;
  readonly requests: number;
  readonly responses: number;
}

/** One gRPC stream to a discovery server, opened again whenever it ends; meanwhile the last configuration stays. */
export interface DiscoveryStream extends Pick<DiscoveryClient<unknown>, "subscribe" | "unsubscribe"> {
  start(): void;
  close(): void;
  /** Says something about us by a request of a type that nothing is asked of; said again on each new stream. */
  report(typeUrl: string, problem: string | undefined): void;
  readonly connected: boolean;
  readonly traffic: StreamTraffic;
  status(): readonly ClientStatus[];
}

const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;

class GrpcStream<Request, Response extends { readonly typeUrl: string }> implements DiscoveryStream {
  readonly #deps: DiscoveryStreamDeps;
  readonly #dialect: StreamDialect<Request, Response>;
  readonly #discovery: DiscoveryClient<Response>;
  readonly #backoff: ReturnType<typeof createBackoff>;
  readonly #reports = new Map<string, Request>();
  #client: Client | undefined;
  #stream: ClientDuplexStream<Request, Response> | undefined;
  #closed = false;
  connected = false;
  readonly traffic = { opened: 0, answered: 0, lost: 0, requests: 0, responses: 0 };

  constructor(deps: DiscoveryStreamDeps, dialect: StreamDialect<Request, Response>) {
    this.#deps = deps;
    this.#dialect = dialect;
    this.#backoff = createBackoff({ baseMs: 500, maxMs: 15_000, minMs: 100 }, deps.random);
    this.#discovery = dialect.createClient({
      node: nodeMessage(deps.node, deps.version),
      send: (request) => this.#send(request),
      onUpdate: deps.onUpdate,
    });
  }

  start(): void {
    this.#connect();
  }

  close(): void {
    this.#closed = true;
    this.#stream?.cancel();
    this.#client?.close();
  }

  subscribe(typeUrl: string, names?: readonly string[]): void {
    this.#discovery.subscribe(typeUrl, names);
  }

  unsubscribe(typeUrl: string, names?: readonly string[]): void {
    this.#discovery.unsubscribe(typeUrl, names);
  }

  report(typeUrl: string, problem: string | undefined): void {
    const request = this.#dialect.report(typeUrl, problem);
    this.#reports.set(typeUrl, request);
    this.#send(request);
  }

  #send(request: Request): void {
    if (this.#stream === undefined) return;
    this.traffic.requests++;
    this.#stream.write(request);
  }

  status(): readonly ClientStatus[] {
    return this.#discovery.status();
  }

  #connect(): void {
    if (this.#closed) return;
    const { target, service, log } = this.#deps;
    const client = new Client(target.address, target.credentials(), {
      "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
      "grpc.keepalive_time_ms": 30_000,
      "grpc.keepalive_timeout_ms": 10_000,
      "grpc.enable_retries": 0,
      ...(target.serverName === undefined ? {} : { "grpc.ssl_target_name_override": target.serverName }),
      ...(target.authority === undefined ? {} : { "grpc.default_authority": target.authority }),
    });
    this.#client = client;
    const metadata = new Metadata();
    for (const [name, value] of target.metadata ?? []) metadata.add(name, value);
    const stream = client.makeBidiStreamRequest(
      `/${service.name}/${service[this.#deps.dialect]}`,
      (request: Request) => Buffer.from(this.#dialect.write(request)),
      (bytes: Buffer) => this.#dialect.read(bytes),
      metadata,
    );
    this.#stream = stream;
    this.traffic.opened++;
    const intake = createIntake<Response>({
      steps: (response) => this.#deps.resources.prepare(response.typeUrl, this.#dialect.resourcesOf(response)),
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
      if (!this.connected) this.traffic.lost++;
      this.connected = false;
      this.#stream = undefined;
      // What was not applied yet is sent again on the next stream.
      intake.close();
      this.#discovery.streamClosed();
      client.close();
      if (this.#closed) return;
      const delay = this.#backoff.next();
      log.warn("the discovery stream ended; the last configuration stays in service", {
        server: target.address,
        service: service.name,
        reason,
        retryInMs: Math.round(delay),
      });
      this.#deps.clock.after(delay, () => this.#connect());
    };
    stream.on("data", (response: Response) => {
      if (!this.connected) {
        this.connected = true;
        this.traffic.answered++;
        this.#backoff.reset();
        log.info("receiving configuration", { server: target.address, service: service.name });
      }
      this.traffic.responses++;
      intake.add(response);
    });
    stream.on("error", (error: Error) => lost(error.message));
    stream.on("end", () => lost("the server ended it"));
    this.#discovery.streamOpened();
    for (const report of this.#reports.values()) this.#send(report);
  }
}

export function createDiscoveryStream(deps: DiscoveryStreamDeps): DiscoveryStream {
  return deps.dialect === "delta" ? new GrpcStream(deps, DELTA) : new GrpcStream(deps, SOTW);
}
