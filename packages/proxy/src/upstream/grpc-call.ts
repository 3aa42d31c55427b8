import type { TimerWheel, WheelTimer } from "@heddle/std";
import {
  createGrpcMessageReader,
  grpcCodeOfHttpStatus,
  type HeaderList,
  type HttpStream,
  type ResponseHead,
  type StreamHandler,
  type WireFailure,
} from "@heddle/wire";
import type { GrpcServer } from "../config/grpc-service.ts";
import { rescueUpstream } from "../rescue.ts";
import type { Cluster } from "./cluster.ts";
import type { UpstreamFailure } from "./failure.ts";
import { frameGrpcMessage, grpcRequestHead } from "./grpc-message.ts";
import type { HostPool, PooledConnection, PoolWaiter } from "./pool.ts";

/** Told what comes of a call; nothing after `close`. */
export interface GrpcCallOwner {
  /** Bytes that are valid during the call only. */
  onMessage(message: Uint8Array): void;
  /** Over, once. `code` 0: the server has said all it wanted. `text`: what the server says of it, as it sends it, or what broke. */
  onEnd(code: number, text: string): void;
  /** What `send` has refused more of has gone. */
  onRoom(): void;
}

/** A call of the proxy itself with any number of messages in both directions, none of which is left out. */
export interface GrpcCall {
  /** False: enough is on its way; wait for `onRoom`. The message is taken all the same. */
  send(message: Uint8Array): boolean;
  /** Stops what comes; nestable calls are not counted. */
  pause(): void;
  resume(): void;
  /** Says that nothing more will be sent; a server that does not end the call then is cut off after a second. */
  close(): void;
}

/** More than this is asked to wait while there is no connection yet. Units: bytes. */
const WAITING_BYTES = 65_536;
/** Source: Envoy `envoy.filters.http.ext_proc.remote_close_timeout_milliseconds`. Units: ms. */
const CLOSE_MS = 1000;
const NOTHING = new Uint8Array(0);
const [UNKNOWN, EXHAUSTED, INTERNAL, UNAVAILABLE] = [2, 8, 13, 14];

class OpenCall implements GrpcCall, PoolWaiter, StreamHandler {
  readonly #path: string;
  readonly #server: Pick<GrpcServer, "authority" | "metadata">;
  readonly #wheel: TimerWheel;
  #owner: GrpcCallOwner | undefined;
  readonly #reader = createGrpcMessageReader({
    onMessage: (bytes, start, end, compressed) => {
      if (compressed) this.#end(INTERNAL, "a compressed message");
      else this.#owner?.onMessage(bytes.subarray(start, end));
    },
  });
  #pool: HostPool | undefined = undefined;
  #stream: HttpStream | undefined = undefined;
  #timer: WheelTimer | undefined = undefined;
  /** For the connection that is being made. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #paused = false;
  #closed = false;
  #refused = false;

  constructor(
    path: string,
    server: Pick<GrpcServer, "authority" | "metadata">,
    owner: GrpcCallOwner,
    wheel: TimerWheel,
  ) {
    this.#path = path;
    this.#server = server;
    this.#owner = owner;
    this.#wheel = wheel;
  }

  open(cluster: Cluster | undefined): void {
    const host = cluster?.pick(undefined, [], 1);
    if (cluster === undefined || host === undefined) {
      this.#end(
        UNAVAILABLE,
        cluster === undefined ? "Cluster not available" : "no healthy upstream{no_healthy_upstream}",
      );
      return;
    }
    this.#pool = cluster.pool(host, cluster.config.http.protocol === "http2", undefined);
    this.#pool.acquire(this);
  }

  send(message: Uint8Array): boolean {
    const bytes = frameGrpcMessage(message);
    if (this.#closed || this.#owner === undefined) return true;
    let room: boolean;
    if (this.#stream === undefined) {
      this.#waiting.push(bytes);
      this.#waitingBytes += bytes.length;
      room = this.#waitingBytes < WAITING_BYTES;
    } else room = this.#stream.sendData(bytes, 0, bytes.length, false);
    this.#refused ||= !room;
    return room;
  }

  pause(): void {
    this.#paused = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#stream?.resume();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#owner = undefined;
    const stream = this.#stream;
    if (stream === undefined) {
      this.#release();
      return;
    }
    this.#finish(stream);
  }

  #finish(stream: HttpStream): void {
    stream.sendData(NOTHING, 0, 0, true);
    if (stream.receiveClosed) return;
    stream.resume();
    this.#timer = this.#wheel.create({ onExpire: () => this.#release() });
    this.#timer.arm(CLOSE_MS);
  }

  onConnection(connection: PooledConnection): void {
    this.#pool = undefined;
    if (this.#closed) return;
    const head = grpcRequestHead(this.#path, this.#server);
    head.scheme = connection.secure ? "https" : "http";
    const stream = connection.http.request(head, false, this);
    this.#stream = stream;
    if (this.#paused) stream.pause();
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    let room = true;
    for (const bytes of waiting) room = stream.sendData(bytes, 0, bytes.length, false);
    if (room) this.onDrain();
  }

  onPoolFailure(failure: UpstreamFailure): void {
    this.#pool = undefined;
    const { body, details } = rescueUpstream(failure, false);
    this.#end(UNAVAILABLE, `${body}{${details}}`);
  }

  onHead(_stream: HttpStream, head: ResponseHead, endStream: boolean): void {
    if (head.status !== 200) this.#end(grpcCodeOfHttpStatus(head.status), "{via_upstream}");
    else if (endStream) this.#ended(head.headers);
  }

  onInformational(): void {}

  onData(_stream: HttpStream, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    if (this.#owner === undefined) return;
    const failure = this.#reader.receive(bytes, start, end);
    if (failure !== null) this.#end(failure.code === "limit" ? EXHAUSTED : INTERNAL, failure.message);
    else if (endStream) this.#end(UNKNOWN, "{via_upstream}");
  }

  onTrailers(_stream: HttpStream, trailers: HeaderList): void {
    this.#ended(trailers);
  }

  onReset(_stream: HttpStream, failure: WireFailure): void {
    if (failure.code !== "local") this.#end(INTERNAL, "");
  }

  onDrain(): void {
    if (!this.#refused) return;
    this.#refused = false;
    this.#owner?.onRoom();
  }

  onClose(): void {
    this.#stream = undefined;
    this.#timer?.release();
    this.#end(INTERNAL, "");
  }

  #ended(fields: HeaderList): void {
    const status = Number(fields.get("grpc-status") ?? UNKNOWN);
    this.#end(status, status === 0 ? "" : `${fields.get("grpc-message") ?? ""}{via_upstream}`);
  }

  #end(code: number, text: string): void {
    const owner = this.#owner;
    this.#owner = undefined;
    if (!this.#closed) this.#release();
    else if (this.#stream?.receiveClosed === true) this.#timer?.release();
    owner?.onEnd(code, text);
  }

  #release(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#timer?.release();
    this.#timer = undefined;
    this.#pool?.cancel(this);
    this.#pool = undefined;
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream !== undefined && !(stream.receiveClosed && stream.sendClosed)) stream.reset();
  }
}

/** Opens a call to a host of the cluster. `owner` may be told of its end before this returns. */
export function openGrpcCall(
  cluster: Cluster | undefined,
  path: string,
  server: Pick<GrpcServer, "authority" | "metadata">,
  owner: GrpcCallOwner,
  wheel: TimerWheel,
): GrpcCall {
  const call = new OpenCall(path, server, owner, wheel);
  call.open(cluster);
  return call;
}
