import { create, toBinary } from "@bufbuild/protobuf";
import {
  type ClientConnection,
  type ClientHost,
  createHttp2Client,
  createRequestHead,
  type HttpStream,
  headerListOf,
  type StreamHandler,
  type WireFailure,
} from "@heddle/wire";
import { typeUrls } from "@heddle/xds-api";
import { NodeSchema } from "@heddle/xds-api/envoy/config/core/v3/base";
import type { Socket } from "bun";
import { writeAll } from "../load/write-all.ts";
import { type Dialect, readResponse, writeRequest } from "./discovery-messages.ts";
import { namespaceOf } from "./objects.ts";

/** Where the control plane is and how to speak with it. */
export interface ProxyTarget {
  readonly port: number;
  readonly dialect: Dialect;
  /** Units: ms since 1970, with fractions. */
  now(): number;
  /** The stream ended though nobody asked it to. */
  onFailure(reason: string): void;
}

/** A proxy that asks for everything, acknowledges everything and keeps nothing. */
export interface SimulatedProxy {
  connect(): Promise<void>;
  close(): void;
  /** When clusters, endpoints, listeners and routes had all been acknowledged; undefined before. */
  readonly completeAt: number | undefined;
  /** When the first response that held the expected bytes was acknowledged. */
  readonly seenAt: number | undefined;
  readonly bytes: number;
  readonly responses: number;
  /** Of the last response. */
  readonly lastAt: number;
  expect(marker: string): void;
}

const LARGE_WINDOW = 1 << 28;
const wantsNames = (typeUrl: string): boolean => typeUrl === typeUrls.cluster || typeUrl === typeUrls.listener;

class AdsClient implements SimulatedProxy, StreamHandler {
  readonly #target: ProxyTarget;
  readonly #node: Uint8Array;
  readonly #connection: ClientConnection;
  #socket: Socket<undefined> | undefined;
  #stream: HttpStream | undefined;
  /** The message that is arriving. */
  #chunks: Buffer[] = [];
  #length = 0;
  /** Names asked for, by type; state of the world repeats them. */
  readonly #names = new Map<string, Set<string>>();
  readonly #missing = new Set<string>([typeUrls.cluster, typeUrls.endpoint, typeUrls.listener, typeUrls.route]);
  #marker: Buffer | undefined;
  #closed = false;
  completeAt: number | undefined;
  seenAt: number | undefined;
  bytes = 0;
  responses = 0;
  lastAt = 0;

  constructor(target: ProxyTarget, index: number) {
    this.#target = target;
    const namespace = namespaceOf(index);
    const ip = `10.3.${index >> 8}.${index & 255}`;
    const node = create(NodeSchema, {
      id: `sidecar~${ip}~client-${index}.${namespace}~${namespace}.svc.cluster.local`,
      cluster: `client.${namespace}`,
      metadata: {
        NAME: `client-${index}`,
        NAMESPACE: namespace,
        CLUSTER_ID: "Kubernetes",
        INSTANCE_IPS: ip,
        ISTIO_VERSION: "1.30.0",
        LABELS: { app: "client" },
      },
    });
    this.#node = toBinary(NodeSchema, node);
    const host: ClientHost = {
      wantsFlush: () => {},
      setReadPaused: () => {},
      wantsClose: () => {},
      wantsHalfClose: () => {},
      onFailure: (_connection, failure) => this.#fail(failure.message),
      onCapacity: () => {},
    };
    this.#connection = createHttp2Client(
      { initialStreamWindow: LARGE_WINDOW, connectionWindow: LARGE_WINDOW, maxFrameBytes: 1 << 20 },
      host,
    );
  }

  async connect(): Promise<void> {
    this.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: this.#target.port,
      socket: {
        open: (socket) => {
          this.#start();
          writeAll(this.#connection, socket);
        },
        data: (socket, chunk) => {
          this.#connection.receive(chunk, 0, chunk.length);
          writeAll(this.#connection, socket);
        },
        drain: (socket) => writeAll(this.#connection, socket),
        close: () => this.#fail("the connection was closed"),
        error: (_socket, error) => this.#fail(error.message),
      },
    });
  }

  #start(): void {
    const head = createRequestHead();
    const method = this.#target.dialect === "delta" ? "DeltaAggregatedResources" : "StreamAggregatedResources";
    head.method = "POST";
    head.path = `/envoy.service.discovery.v3.AggregatedDiscoveryService/${method}`;
    head.authority = "istiod.istio-system.svc:15010";
    head.headers = headerListOf([
      ["content-type", "application/grpc"],
      ["te", "trailers"],
    ]);
    this.#stream = this.#connection.request(head, false, this);
    this.#send(typeUrls.cluster, "", "", [], this.#node);
    this.#send(typeUrls.listener, "", "", []);
  }

  #send(typeUrl: string, version: string, nonce: string, names: readonly string[], node?: Uint8Array): void {
    const bytes = writeRequest(this.#target.dialect, { node, typeUrl, version, nonce, names });
    this.#stream?.sendData(bytes, 0, bytes.length, false);
  }

  onData(_stream: HttpStream, bytes: Uint8Array, start: number, end: number): void {
    this.bytes += end - start;
    this.#chunks.push(Buffer.from(bytes.subarray(start, end)));
    this.#length += end - start;
    while (this.#length >= 5) {
      if ((this.#chunks[0]?.length ?? 0) < 5) this.#chunks = [Buffer.concat(this.#chunks)];
      const size = 5 + (this.#chunks[0]?.readUInt32BE(1) ?? 0);
      if (this.#length < size) return;
      const whole = this.#chunks.length === 1 ? (this.#chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#chunks);
      this.#chunks = whole.length > size ? [whole.subarray(size)] : [];
      this.#length -= size;
      this.#receive(whole.subarray(5, size));
    }
  }

  #receive(message: Buffer): void {
    const { typeUrl, version, nonce, names } = readResponse(this.#target.dialect, message, wantsNames);
    const sotw = this.#target.dialect === "sotw";
    this.responses++;
    this.#send(typeUrl, version, nonce, sotw ? [...(this.#names.get(typeUrl) ?? [])] : []);
    if (typeUrl === typeUrls.cluster)
      this.#subscribe(
        typeUrls.endpoint,
        names.filter((name) => name.startsWith("outbound|")),
      );
    else if (typeUrl === typeUrls.listener)
      this.#subscribe(
        typeUrls.route,
        names.flatMap((name) => (name.startsWith("0.0.0.0_") ? [name.slice(8)] : [])),
      );
    this.lastAt = this.#target.now();
    if (this.#marker !== undefined && this.seenAt === undefined && message.includes(this.#marker))
      this.seenAt = this.lastAt;
    if (this.completeAt !== undefined) return;
    this.#missing.delete(typeUrl);
    if (this.#missing.size === 0) this.completeAt = this.lastAt;
  }

  #subscribe(typeUrl: string, names: readonly string[]): void {
    const known = this.#names.get(typeUrl) ?? new Set();
    const added = names.filter((name) => !known.has(name));
    if (added.length === 0) return;
    for (const name of added) known.add(name);
    this.#names.set(typeUrl, known);
    this.#send(typeUrl, "", "", this.#target.dialect === "sotw" ? [...known] : added);
  }

  expect(marker: string): void {
    this.#marker = Buffer.from(marker);
    this.seenAt = undefined;
  }

  close(): void {
    this.#closed = true;
    this.#socket?.terminate();
  }

  #fail(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#target.onFailure(reason);
  }

  onHead(_stream: HttpStream, _head: unknown, endStream: boolean): void {
    if (endStream) this.#fail("the stream was refused");
  }
  onInformational(): void {}
  onTrailers(_stream: HttpStream, trailers: { get(name: string): string | undefined }): void {
    this.#fail(`the stream ended: ${trailers.get("grpc-status")} ${trailers.get("grpc-message")}`);
  }
  onReset(_stream: HttpStream, failure: WireFailure): void {
    this.#fail(failure.message);
  }
  onDrain(): void {}
  onClose(): void {}
}

export function createSimulatedProxy(target: ProxyTarget, index: number): SimulatedProxy {
  return new AdsClient(target, index);
}
