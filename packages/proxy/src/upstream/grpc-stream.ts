import { createGrpcMessageReader, type HttpStream, readGrpcStatus, type StreamHandler } from "@heddle/wire";
import type { GrpcServer } from "../config/grpc-service.ts";
import type { Cluster } from "./cluster.ts";
import type { UpstreamFailure } from "./failure.ts";
import { frameGrpcMessage, grpcRequestHead } from "./grpc-message.ts";
import type { HostPool, PooledConnection, PoolWaiter } from "./pool.ts";

/** Told what comes over a stream. */
export interface GrpcStreamOwner {
  /** Bytes that stay the owner's. */
  onMessage(message: Uint8Array): void;
  /** It is over, for whatever reason; once, and not after `close`. */
  onEnd(reason: string): void;
}

/** A call of the proxy itself that stays open, with any number of messages in both directions. */
export interface GrpcStream {
  /** False: the server is so slow that the message would only fill the memory; it was not sent. */
  send(message: Uint8Array): boolean;
  close(): void;
}

type Headers = Parameters<StreamHandler["onTrailers"]>[1];

class OpenStream implements GrpcStream, PoolWaiter, StreamHandler {
  readonly #path: string;
  readonly #server: Pick<GrpcServer, "authority" | "metadata">;
  readonly #owner: GrpcStreamOwner;
  readonly #reader = createGrpcMessageReader({
    onMessage: (bytes, start, end, compressed) => {
      if (!compressed) this.#owner.onMessage(bytes.subarray(start, end).slice());
    },
  });
  #pool: HostPool | undefined;
  #stream: HttpStream | undefined;
  /** For the connection that is being made. */
  #waiting: Buffer | undefined;
  #slow = false;
  #over = false;

  constructor(path: string, server: Pick<GrpcServer, "authority" | "metadata">, owner: GrpcStreamOwner) {
    this.#path = path;
    this.#server = server;
    this.#owner = owner;
  }

  open(cluster: Cluster | undefined): void {
    const host = cluster?.pick(undefined, [], 1);
    if (cluster === undefined || host === undefined) {
      this.#end(cluster === undefined ? "the cluster does not exist" : "the cluster has no healthy endpoint");
      return;
    }
    this.#pool = cluster.pool(host, cluster.config.http.protocol === "http2", undefined);
    this.#pool.acquire(this);
  }

  send(message: Uint8Array): boolean {
    if (this.#over || this.#slow || this.#waiting !== undefined) return false;
    const bytes = frameGrpcMessage(message);
    if (this.#stream === undefined) this.#waiting = bytes;
    else this.#slow = !this.#stream.sendData(bytes, 0, bytes.length, false);
    return true;
  }

  close(): void {
    this.#over = true;
    this.#release();
  }

  onConnection(connection: PooledConnection): void {
    this.#pool = undefined;
    if (this.#over) return;
    const head = grpcRequestHead(this.#path, this.#server);
    head.scheme = connection.secure ? "https" : "http";
    const stream = connection.http.request(head, false, this);
    this.#stream = stream;
    const bytes = this.#waiting;
    this.#waiting = undefined;
    if (bytes !== undefined) this.#slow = !stream.sendData(bytes, 0, bytes.length, false);
  }

  onPoolFailure(failure: UpstreamFailure): void {
    this.#pool = undefined;
    this.#end(failure.cause);
  }

  onHead(_stream: HttpStream, head: { readonly status: number; readonly headers: Headers }, endStream: boolean): void {
    if (head.status !== 200) this.#end(`it answered with status ${head.status}`);
    else if (endStream) this.#ended(head.headers);
  }

  onInformational(): void {}

  onData(_stream: HttpStream, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    if (this.#over) return;
    const failure = this.#reader.receive(bytes, start, end);
    if (failure !== null) this.#end(failure.message);
    else if (endStream) this.#end("it ended the stream without a status");
  }

  onTrailers(_stream: HttpStream, trailers: Headers): void {
    this.#ended(trailers);
  }

  onReset(_stream: HttpStream, failure: { readonly message: string }): void {
    this.#end(failure.message);
  }

  onDrain(): void {
    this.#slow = false;
  }

  onClose(): void {
    this.#stream = undefined;
    this.#end("the connection closed");
  }

  #ended(headers: Headers): void {
    const status = readGrpcStatus(headers);
    this.#end(
      `it ended the stream with status ${status?.code ?? "unknown"}${status?.message ? `: ${status.message}` : ""}`,
    );
  }

  #end(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#release();
    this.#owner.onEnd(reason);
  }

  #release(): void {
    this.#waiting = undefined;
    this.#pool?.cancel(this);
    this.#pool = undefined;
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream !== undefined && !(stream.receiveClosed && stream.sendClosed)) stream.reset();
  }
}

/** Opens a stream to a host of the cluster. `owner` may be told of its end before this returns. */
export function openGrpcStream(
  cluster: Cluster | undefined,
  path: string,
  server: Pick<GrpcServer, "authority" | "metadata">,
  owner: GrpcStreamOwner,
): GrpcStream {
  const stream = new OpenStream(path, server, owner);
  stream.open(cluster);
  return stream;
}
