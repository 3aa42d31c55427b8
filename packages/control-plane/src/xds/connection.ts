import type { ProxyNode } from "@heddle/model";
import type { ResourceSet } from "@heddle/xds";
import {
  type Answer,
  createServerStream,
  type NamePool,
  type OutgoingResponse,
  type ResponseEncoder,
  type ServerStream,
  type SubscriptionRequest,
  type SyncStatus,
} from "@heddle/xds";
import { typeUrls } from "@heddle/xds-api";
import type { Caller } from "../auth/caller.ts";
import type { ProxySnapshot } from "../resources/proxy-snapshots.ts";
import type { SendBudget } from "./send-budget.ts";

/** A connected proxy. */
export interface Connection {
  /** Unique while the control plane lives. */
  readonly id: string;
  readonly node: ProxyNode;
  /** Node metadata as it was sent. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly caller: Caller | undefined;
  readonly peer: string;
  readonly dialect: "sotw" | "delta";
  /** Units: ms since 1970. */
  readonly connectedAtMs: number;
  /** What it was given last. */
  readonly current: ProxySnapshot | undefined;
  receive(request: SubscriptionRequest): void;
  /** @param secrets Kubernetes Secrets that this proxy may have; undefined: none. */
  push(snapshot: ProxySnapshot, secrets?: ResourceSet): void;
  status(): readonly SyncStatus[];
  /** Ends the stream; the client comes back. */
  end(): void;
  /** The stream is gone. */
  forget(): void;
}

/** What a connection needs of its gRPC stream. */
export interface ResponseStream {
  /** `sent` is called when the bytes have left. */
  write(bytes: Buffer, sent: () => void): unknown;
  end(): void;
}

export interface ConnectionOptions
  extends Pick<Connection, "id" | "node" | "metadata" | "caller" | "peer" | "dialect" | "connectedAtMs"> {
  readonly stream: ResponseStream;
  /** Shared by all connections, as names and budget are. */
  readonly encoder: ResponseEncoder;
  readonly names: NamePool;
  readonly budget: SendBudget;
  /** Monotonic. Units: ms. */
  now(): number;
  onSent(response: OutgoingResponse, bytes: number): void;
  /** A response's bytes have left. */
  onTaken(tookMs: number): void;
  onAnswer(answer: Answer): void;
  onStale(typeUrl: string): void;
}

/** A client that has so much to take gets nothing more until it did. Units: bytes. */
const MUCH = 64 * 1024;

class StreamConnection implements Connection {
  readonly #options: ConnectionOptions;
  readonly #stream: ServerStream;
  #current: ProxySnapshot | undefined;
  /** Written, and not taken by the client yet. Units: bytes. */
  #underWay = 0;
  /** The client reads slower than we write. */
  #slow = false;
  /** Gives up the place among those that wait for room; undefined: not waiting. */
  #stopWaiting: (() => void) | undefined;
  #ended = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#stream = createServerStream({
      dialect: options.dialect,
      names: options.names,
      onAnswer: options.onAnswer,
      onStale: options.onStale,
      send: (response) => {
        const bytes = options.encoder.encode(options.dialect, response);
        const { length } = bytes;
        const giveBack = options.budget.take(length);
        this.#underWay += length;
        const writtenAt = options.now();
        options.stream.write(Buffer.from(bytes.buffer, bytes.byteOffset, length), () => {
          options.onTaken(options.now() - writtenAt);
          giveBack();
          release(bytes);
          this.#underWay -= length;
          this.#goOn();
        });
        // The library would buffer sixteen responses, whatever their size.
        if (this.#underWay >= MUCH) {
          this.#slow = true;
          this.#stream.pause();
        }
        options.onSent(response, length);
      },
    });
  }

  #goOn(): void {
    if (!this.#slow || this.#underWay >= MUCH) return;
    this.#slow = false;
    if (this.#stopWaiting === undefined) this.#stream.resume();
  }

  get id(): string {
    return this.#options.id;
  }
  get node(): ProxyNode {
    return this.#options.node;
  }
  get metadata(): Readonly<Record<string, unknown>> {
    return this.#options.metadata;
  }
  get caller(): Caller | undefined {
    return this.#options.caller;
  }
  get peer(): string {
    return this.#options.peer;
  }
  get dialect(): "sotw" | "delta" {
    return this.#options.dialect;
  }
  get connectedAtMs(): number {
    return this.#options.connectedAtMs;
  }
  get current(): ProxySnapshot | undefined {
    return this.#current;
  }

  receive(request: SubscriptionRequest): void {
    this.#waitForRoom();
    this.#stream.receive(request);
  }

  push(snapshot: ProxySnapshot, secrets?: ResourceSet): void {
    this.#current = snapshot;
    this.#waitForRoom();
    const common = snapshot.snapshot;
    this.#stream.update(
      secrets === undefined
        ? common
        : { set: (typeUrl) => (typeUrl === typeUrls.secret ? secrets : common.set(typeUrl)) },
    );
  }

  status(): readonly SyncStatus[] {
    return this.#stream.status();
  }

  /** While too much is on its way to all proxies together, this one waits its turn; changes collapse meanwhile. */
  #waitForRoom(): void {
    const { budget } = this.#options;
    if (this.#ended || this.#stopWaiting !== undefined || !budget.full) return;
    this.#stream.pause();
    this.#stopWaiting = budget.wait(() => {
      this.#stopWaiting = undefined;
      if (!this.#slow) this.#stream.resume();
    });
  }

  forget(): void {
    this.#ended = true;
    this.#stopWaiting?.();
  }

  end(): void {
    this.#options.stream.end();
  }
}

/** Worth freeing at once. Units: bytes. */
const LARGE = 64 * 1024;

/** Frees what was written, which nobody else has: the collector would let hundreds of these gather first. */
function release({ buffer, length }: Uint8Array): void {
  if (length >= LARGE && buffer instanceof ArrayBuffer && buffer.byteLength === length) buffer.transfer(0);
}

export function createConnection(options: ConnectionOptions): Connection {
  return new StreamConnection(options);
}
