import { type handleBidiStreamingCall, type ServerDuplexStream, status } from "@grpc/grpc-js";
import { formatProblem, isObject } from "@heddle/config";
import { readProxyNode } from "@heddle/model";
import type { Clock, Logger } from "@heddle/std";
import type { EncodedResource } from "@heddle/xds";
import {
  type Answer,
  createNamePool,
  createResponseEncoder,
  type OutgoingResponse,
  readDeltaRequest,
  readSotwRequest,
  type SubscriptionRequest,
} from "@heddle/xds";
import { shortTypeName, typeUrls } from "@heddle/xds-api";
import type { Node } from "@heddle/xds-api/envoy/config/core/v3/base";
import type { DeltaDiscoveryRequest, DiscoveryRequest } from "@heddle/xds-api/envoy/service/discovery/v3/discovery";
import type { Authenticator, Caller } from "../auth/caller.ts";
import { mayActAs } from "../auth/node-access.ts";
import { credentialsOf } from "../grpc/call-credentials.ts";
import type { MeshUpdate } from "../mesh/mesh-feed.ts";
import type { ProxySnapshots } from "../resources/proxy-snapshots.ts";
import type { ClusterSecrets } from "../secrets/cluster-secrets.ts";
import { withTrustBundles } from "../secrets/trust-bundles.ts";
import type { Telemetry } from "../telemetry.ts";
import type { WorkloadRegistrar } from "../workloads/workload-registrar.ts";
import { type Connection, createConnection } from "./connection.ts";
import { createPushQueue, type PushQueue } from "./push-queue.ts";
import { createSendBudget, type SendBudget } from "./send-budget.ts";

/** Serves discovery streams from the newest state of the mesh. */
export interface DiscoveryServer {
  /** @param secure For the TLS port: callers must authenticate. */
  handlers(secure: boolean): {
    readonly streamAggregatedResources: handleBidiStreamingCall<DiscoveryRequest, Buffer>;
    readonly deltaAggregatedResources: handleBidiStreamingCall<DeltaDiscoveryRequest, Buffer>;
  };
  /** Secrets of a namespace changed: its proxies are looked at again. */
  secretsChanged(namespace: string): void;
  /** The own CA has other roots. */
  rootsChanged(): void;
  /** Gives every proxy what the update changes for it. */
  update(update: MeshUpdate): void;
  readonly connections: readonly Connection[];
  /** Ends all streams; clients reconnect to another replica. */
  close(): void;
}

export interface DiscoveryServerOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly telemetry: Telemetry;
  readonly snapshots: ProxySnapshots;
  /** Undefined where there is no Kubernetes. */
  readonly secrets?: Pick<ClusterSecrets, "setFor">;
  /** Roots of all trust domains, where there are several; in force now. */
  readonly trustBundles?: () => EncodedResource | undefined;
  /** Undefined where there is no Kubernetes: then workloads outside are known by their WorkloadEntries only. */
  readonly workloads?: WorkloadRegistrar;
  /**
   * A cluster of which nothing is known yet, though it is to be: its proxies keep what they have, as without their own pods and addresses
   * they would be told nonsense. Default: none.
   */
  readonly awaits?: (clusterId: string) => boolean;
  readonly authenticator: Authenticator;
  readonly authenticatePlaintext: boolean;
  readonly version: string;
}

/** Agents say by requests of this type how their application is: with an error, or without. Source: istio pkg/model/xds.go. */
const healthType = "type.googleapis.com/istio.v1.HealthInformation";

/** Types whose rejections have a gauge for each proxy. */
const GAUGED = ["CDS", "EDS", "LDS", "RDS"] as const;

const knownTypes: ReadonlySet<string> = new Set(Object.values(typeUrls));
const UNKNOWN_TYPE = "unknown";

/** Clients may ask for any text as a type, and a label stays for as long as the process: one stands for all that nobody knows. */
const labelOf = (typeUrl: string): string =>
  knownTypes.has(typeUrl) ? shortTypeName(typeUrl).toLowerCase() : UNKNOWN_TYPE;

/** A stream that was refused: a gRPC status with a sentence. */
class Refusal extends Error {
  readonly code: status;
  constructor(code: status, message: string) {
    super(message);
    this.code = code;
  }
}

/** Units: ms. */
const forgetMs = 5000;

class Server implements DiscoveryServer {
  readonly #options: DiscoveryServerOptions;
  readonly #connections = new Set<Connection>();
  readonly #queue: PushQueue<Connection>;
  readonly #encoder = createResponseEncoder();
  readonly #names = createNamePool();
  #forgetting = false;
  readonly #budget: SendBudget;
  /** Proxies whose last answer of a type was a rejection. */
  readonly #rejecting = new Set<string>();
  #ready = false;
  #since = 0;
  #nextId = 0;

  constructor(options: DiscoveryServerOptions) {
    this.#options = options;
    this.#budget = createSendBudget({ clock: options.clock });
    this.#queue = createPushQueue<Connection>({
      now: () => options.clock.monotonic(),
      yield: (next) => setImmediate(next),
      push: (connection, queuedMs) => this.#push(connection, queuedMs),
    });
  }

  handlers(secure: boolean): ReturnType<DiscoveryServer["handlers"]> {
    return {
      streamAggregatedResources: (call) => this.#serve(call, secure, "sotw", readSotwRequest),
      deltaAggregatedResources: (call) => this.#serve(call, secure, "delta", readDeltaRequest),
    };
  }

  get connections(): readonly Connection[] {
    return [...this.#connections];
  }

  update(update: MeshUpdate): void {
    const { telemetry, snapshots } = this.#options;
    snapshots.update(update);
    this.#ready = true;
    this.#since = update.sinceMs;
    telemetry.debounce.with().observe(update.waitedMs / 1000);
    telemetry.triggers.with(update.change.views ? "config" : "endpoint").value++;
    telemetry.services.with().value = update.state.services.size;
    if (update.change.views || update.change.endpoints.length > 0) this.#queue.enqueue(this.#byView());
    if (update.change.views) setImmediate(() => this.#sweep());
  }

  /** Who saw the same so far mostly will again: side by side, the first ones need not wait for the work on everyone's views. */
  #byView(): readonly Connection[] {
    const groups = new Map<string | undefined, Connection[]>();
    for (const connection of this.#connections) {
      const hash = connection.current?.hash;
      const group = groups.get(hash);
      if (group === undefined) groups.set(hash, [connection]);
      else group.push(connection);
    }
    return [...groups.values()].flat();
  }

  secretsChanged(namespace: string): void {
    if (this.#ready) this.#queue.enqueue(this.connections.filter(({ node }) => node.namespace === namespace));
  }

  rootsChanged(): void {
    if (this.#ready && this.#options.trustBundles?.() !== undefined) this.#queue.enqueue(this.connections);
  }

  #sweep(): void {
    const inUse = new Set<string>();
    for (const { current } of this.#connections) if (current !== undefined) inUse.add(current.hash);
    if (this.#queue.size === 0) this.#options.snapshots.sweep(inUse);
  }

  #push(connection: Connection, queuedMs: number): void {
    if (!this.#connections.has(connection)) return;
    const { telemetry, snapshots, clock, log } = this.#options;
    // The first listing of its cluster is an update for everyone.
    if (connection.current === undefined && this.#options.awaits?.(connection.node.clusterId)) return;
    telemetry.queueTime.with().observe(queuedMs / 1000);
    try {
      const isUpdate = connection.current !== undefined;
      const identity = connection.caller?.identity;
      // Without a proven identity nobody gets Secrets.
      const secrets =
        identity === undefined
          ? undefined
          : this.#options.secrets?.setFor(connection.node.clusterId, identity.namespace, identity.serviceAccount);
      const startedAt = clock.monotonic();
      const trusted = withTrustBundles(secrets, this.#options.trustBundles?.());
      connection.push(snapshots.snapshotFor(connection.node, connection.current), trusted);
      telemetry.pushTime.with("all").observe((clock.monotonic() - startedAt) / 1000);
      if (isUpdate) telemetry.convergence.with().observe(Math.max(0, clock.monotonic() - this.#since) / 1000);
    } catch (error) {
      // A bug of the translator must not take the other proxies with it.
      telemetry.internalErrors.with().value++;
      log.error("building the configuration of a proxy failed; it keeps what it has", { proxy: connection.id, error });
    }
    if (this.#queue.size === 0) this.#sweep();
  }

  #serve<Request extends { node?: Node | undefined }>(
    call: ServerDuplexStream<Request, Buffer>,
    secure: boolean,
    dialect: "sotw" | "delta",
    read: (request: Request) => SubscriptionRequest,
  ): void {
    const waiting: SubscriptionRequest[] = [];
    let connection: Connection | undefined;
    let admitted = false;
    const close = (): void => {
      if (connection === undefined) return;
      const closed = connection;
      connection = undefined;
      this.#connections.delete(closed);
      this.#options.workloads?.disconnected(closed);
      this.#queue.remove(closed);
      closed.forget();
      for (const type of GAUGED)
        if (this.#rejecting.delete(`${closed.id} ${type}`))
          this.#options.telemetry.rejected[type].remove(closed.id, "rejected");
      this.#options.telemetry.xds.with(this.#options.version).value = this.#connections.size;
      this.#options.log.info("proxy disconnected", { proxy: closed.id });
    };
    const receive = (to: Connection, request: SubscriptionRequest): void => {
      if (request.typeUrl === healthType) this.#options.workloads?.healthReported(to, request.rejection);
      else to.receive(request);
    };
    call.on("data", (request: Request) => {
      if (connection !== undefined) return receive(connection, read(request));
      waiting.push(read(request));
      if (admitted) return;
      admitted = true;
      this.#admit(call, secure, request.node, dialect).then(
        (made) => {
          if (call.cancelled) return;
          connection = made;
          this.#connections.add(made);
          this.#options.workloads?.connected(made);
          this.#options.telemetry.xds.with(this.#options.version).value = this.#connections.size;
          for (const one of waiting.splice(0)) receive(made, one);
          if (this.#ready) this.#queue.enqueue([made]);
        },
        (error: unknown) => this.#refuse(call, error),
      );
    });
    call.on("end", () => {
      close();
      call.end();
    });
    call.on("error", close);
    call.on("cancelled", close);
    call.on("close", close);
  }

  #refuse(call: { emit(event: "error", error: unknown): boolean; getPeer(): string }, error: unknown): void {
    const refusal =
      error instanceof Refusal ? error : new Refusal(status.INTERNAL, "the control plane failed; see its log");
    if (!(error instanceof Refusal)) this.#options.log.error("admitting a discovery stream failed", { error });
    this.#options.telemetry.denied.with(status[refusal.code] ?? "UNKNOWN").value++;
    this.#options.log.warn("discovery stream refused", { peer: call.getPeer(), reason: refusal.message });
    call.emit("error", { code: refusal.code, details: refusal.message });
  }

  async #admit<Request>(
    call: ServerDuplexStream<Request, Buffer>,
    secure: boolean,
    node: Node | undefined,
    dialect: "sotw" | "delta",
  ): Promise<Connection> {
    const { authenticator, log, telemetry, clock } = this.#options;
    if (node === undefined)
      throw new Refusal(status.INVALID_ARGUMENT, "the first request of a stream must carry the node");
    const metadata = isObject(node.metadata) ? node.metadata : {};
    const proxy = readProxyNode(node.id, metadata, node.userAgentName);
    if (!proxy.ok) throw new Refusal(status.INVALID_ARGUMENT, proxy.problems.map(formatProblem).join("; "));
    const credentials = credentialsOf(call, secure);
    let caller: Caller | undefined;
    if (credentials.secure || this.#options.authenticatePlaintext) {
      const found = await authenticator.authenticate(credentials);
      if (!found.ok) {
        const code = found.error.kind === "unavailable" ? status.UNAVAILABLE : status.UNAUTHENTICATED;
        throw new Refusal(code, found.error.reason);
      }
      caller = found.value;
      const account = metadata["SERVICE_ACCOUNT"];
      const serviceAccount = typeof account === "string" && account !== "" ? account : undefined;
      const allowed = mayActAs(caller.identity, { id: node.id, namespace: proxy.value.namespace, serviceAccount });
      if (!allowed.ok) throw new Refusal(status.PERMISSION_DENIED, allowed.error);
    }
    const refusal = this.#options.workloads?.refusal({ node: proxy.value, metadata, caller });
    if (refusal !== undefined) {
      throw new Refusal(status.PERMISSION_DENIED, refusal);
    }
    const id = `${proxy.value.name}.${proxy.value.namespace}-${++this.#nextId}`;
    log.info("proxy connected", {
      proxy: id,
      dialect,
      peer: credentials.peer,
      identity: caller?.identity.id ?? "none (plaintext)",
    });
    return createConnection({
      id,
      node: proxy.value,
      metadata,
      caller,
      peer: credentials.peer,
      dialect,
      connectedAtMs: clock.now(),
      stream: call,
      encoder: this.#encoder,
      names: this.#names,
      budget: this.#budget,
      onAnswer: (answer) => this.#answered(id, answer),
      now: () => clock.monotonic(),
      onSent: (response, bytes) => this.#sent(id, response, bytes, telemetry),
      onTaken: (tookMs) => telemetry.sendTime.with().observe(tookMs / 1000),
      onStale: (typeUrl) => telemetry.staleAnswers.with(labelOf(typeUrl)).value++,
    });
  }

  #sent(proxy: string, response: OutgoingResponse, bytes: number, telemetry: Telemetry): void {
    const type = labelOf(response.typeUrl);
    this.#forgetLater();
    telemetry.pushes.with(type).value++;
    telemetry.configSize.with(type === UNKNOWN_TYPE ? type : response.typeUrl).observe(bytes);
    if (this.#options.log.enabled("debug")) {
      const { nonce, version, resources, removed } = response;
      this.#options.log.debug("pushed", {
        proxy,
        type,
        resources: resources.length,
        removed: removed.length,
        bytes,
        nonce,
        version,
      });
    }
  }

  /** Shared bytes serve a rush; afterwards they would only be memory. */
  #forgetLater(): void {
    if (this.#forgetting) return;
    this.#forgetting = true;
    this.#options.clock.after(forgetMs, () => {
      this.#forgetting = false;
      this.#encoder.forget();
    });
  }

  #answered(proxy: string, answer: Answer): void {
    const { telemetry, log } = this.#options;
    const type = shortTypeName(answer.typeUrl);
    const gauged = GAUGED.find((one) => one === type);
    if (answer.rejection === undefined) {
      // Nearly every answer accepts; then there is nothing to take back.
      if (gauged !== undefined && this.#rejecting.delete(`${proxy} ${gauged}`))
        telemetry.rejected[gauged].remove(proxy, "rejected");
      return;
    }
    telemetry.rejects.with(labelOf(answer.typeUrl)).value++;
    if (gauged !== undefined) {
      this.#rejecting.add(`${proxy} ${gauged}`);
      telemetry.rejected[gauged].with(proxy, "rejected").value = 1;
    }
    log.warn("proxy rejected its configuration and keeps the last accepted one", {
      proxy,
      type,
      nonce: answer.nonce,
      reason: answer.rejection,
    });
  }

  close(): void {
    for (const connection of this.#connections) connection.end();
  }
}

export function createDiscoveryServer(options: DiscoveryServerOptions): DiscoveryServer {
  return new Server(options);
}
