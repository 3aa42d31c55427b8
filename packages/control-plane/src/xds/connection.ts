import type { ProxyNode } from "@heddle/model";
import type { ResourceSet } from "@heddle/xds";
import {
  type Answer,
  createServerStream,
  encodeDeltaResponse,
  encodeSotwResponse,
  type OutgoingResponse,
  type ServerStream,
  type SubscriptionRequest,
  type SyncStatus,
} from "@heddle/xds";
import { typeUrls } from "@heddle/xds-api";
import type { Caller } from "../auth/caller.ts";
import type { ProxySnapshot } from "../resources/proxy-snapshots.ts";

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
}

/** What a connection needs of its gRPC stream. */
export interface ResponseStream {
  /** False: the client reads slower than we write; wait for `drain`. */
  write(bytes: Buffer): boolean;
  on(event: "drain", listener: () => void): unknown;
  end(): void;
}

export interface ConnectionOptions
  extends Pick<Connection, "id" | "node" | "metadata" | "caller" | "peer" | "dialect" | "connectedAtMs"> {
  readonly stream: ResponseStream;
  onSent(response: OutgoingResponse, bytes: number): void;
  onAnswer(answer: Answer): void;
}

class StreamConnection implements Connection {
  readonly #options: ConnectionOptions;
  readonly #stream: ServerStream;
  #current: ProxySnapshot | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const encode = options.dialect === "delta" ? encodeDeltaResponse : encodeSotwResponse;
    this.#stream = createServerStream({
      dialect: options.dialect,
      onAnswer: options.onAnswer,
      send: (response) => {
        const bytes = encode(response);
        const more = options.stream.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
        if (!more) this.#stream.pause();
        options.onSent(response, bytes.length);
      },
    });
    options.stream.on("drain", () => this.#stream.resume());
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
    this.#stream.receive(request);
  }

  push(snapshot: ProxySnapshot, secrets?: ResourceSet): void {
    this.#current = snapshot;
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

  end(): void {
    this.#options.stream.end();
  }
}

export function createConnection(options: ConnectionOptions): Connection {
  return new StreamConnection(options);
}
