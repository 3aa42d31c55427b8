import { emptySet, type Snapshot } from "../resource.ts";
import { dependentType, lingers, rankOf } from "../type-order.ts";
import { createNamePool, type NamePool } from "./name-pool.ts";
import type { SubscriptionRequest } from "./request.ts";
import type { OutgoingResponse } from "./response.ts";
import { type Difference, Subscription } from "./subscription.ts";

/** How one client stands with one type. */
export interface SyncStatus {
  readonly typeUrl: string;
  readonly wildcard: boolean;
  readonly names: readonly string[];
  readonly sentVersion: string;
  readonly sentNonce: string;
  readonly ackedVersion: string;
  readonly ackedNonce: string;
  /** The last response was rejected for this reason; undefined after the next acknowledgement. */
  readonly rejection: string | undefined;
  /** Changes wait for an answer of the client or for a type that goes first. */
  readonly pending: boolean;
}

/** A client's answer to a response. */
export interface Answer {
  readonly typeUrl: string;
  readonly version: string;
  readonly nonce: string;
  /** Undefined: accepted. */
  readonly rejection: string | undefined;
}

export interface ServerStreamOptions {
  readonly dialect: "sotw" | "delta";
  /** Shared by the streams of a server, it makes memory independent of how many names each client asks for. Default: one of its own. */
  readonly names?: NamePool;
  send(response: OutgoingResponse): void;
  onAnswer?(answer: Answer): void;
  /** A request answers an older response than the last one. */
  onStale?(typeUrl: string): void;
}

/** The server's side of one discovery stream, without its socket. States and transitions: LIFECYCLE.md. */
export interface ServerStream {
  receive(request: SubscriptionRequest): void;
  /** What the client may see from now on. Requests that came before the first snapshot are answered now. */
  update(snapshot: Snapshot): void;
  /** Back-pressure: nothing is sent while paused; changes collapse into the newest. */
  pause(): void;
  resume(): void;
  status(): readonly SyncStatus[];
}

class Stream implements ServerStream {
  readonly #options: ServerStreamOptions;
  /** Ordered by rank, so that a plain loop sends in the right order. */
  #subscriptions: Subscription[] = [];
  #snapshot: Snapshot | undefined;
  #epoch = 0;
  #nonce = 0;
  #paused = false;

  readonly #names: NamePool;

  constructor(options: ServerStreamOptions) {
    this.#options = options;
    this.#names = options.names ?? createNamePool();
  }

  receive(request: SubscriptionRequest): void {
    let subscription = this.#subscriptions.find((known) => known.typeUrl === request.typeUrl);
    const first = subscription === undefined;
    if (subscription === undefined) {
      subscription = new Subscription(request.typeUrl, this.#names);
      this.#subscriptions.push(subscription);
      this.#subscriptions.sort((a, b) => rankOf(a.typeUrl) - rankOf(b.typeUrl));
    } else if (request.nonce !== "") {
      const current = request.nonce === subscription.sentNonce;
      // An answer to an older response: the client's next request repeats its names (state of the world only).
      if (!current) this.#options.onStale?.(request.typeUrl);
      if (!current && request.names.kind === "all") return;
      const asksAgain = subscription.outstanding === undefined && request.names.kind === "all";
      if (current) this.#answered(subscription, request);
      if (current && asksAgain && subscription.mayRewarm) subscription.repeat();
    }
    subscription.subscribe(request.names, first);
    this.#flush();
  }

  #answered(subscription: Subscription, request: SubscriptionRequest): void {
    const { outstanding } = subscription;
    if (outstanding === undefined || outstanding.nonce !== request.nonce) return;
    subscription.outstanding = undefined;
    const { nonce, version } = outstanding;
    if (request.rejection === undefined) {
      subscription.ackedVersion = version;
      subscription.ackedNonce = nonce;
      subscription.rejection = undefined;
    } else {
      subscription.rejection = { nonce, version, reason: request.rejection };
    }
    this.#options.onAnswer?.({ typeUrl: subscription.typeUrl, version, nonce, rejection: request.rejection });
  }

  update(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    this.#epoch++;
    for (const subscription of this.#subscriptions) {
      if ((snapshot.set(subscription.typeUrl) ?? emptySet) !== subscription.sentSet)
        subscription.dirtyEpoch ??= this.#epoch;
    }
    this.#flush();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#flush();
  }

  status(): readonly SyncStatus[] {
    return this.#subscriptions.map((subscription) => ({
      typeUrl: subscription.typeUrl,
      wildcard: subscription.wildcard,
      names: [...subscription.names],
      sentVersion: subscription.sentVersion,
      sentNonce: subscription.sentNonce,
      ackedVersion: subscription.ackedVersion,
      ackedNonce: subscription.ackedNonce,
      rejection: subscription.rejection?.reason,
      pending: subscription.dirtyEpoch !== undefined || subscription.outstanding !== undefined,
    }));
  }

  #flush(): void {
    if (this.#snapshot === undefined) return;
    for (const subscription of this.#subscriptions) {
      if (this.#paused) return;
      // A client that asks is answered at once; what it didn't ask for waits for its turn.
      if (subscription.urgent) this.#tell(subscription, this.#snapshot);
      else if (subscription.dirtyEpoch !== undefined && subscription.outstanding === undefined) {
        if (!this.#mustWait(subscription, subscription.dirtyEpoch)) this.#tell(subscription, this.#snapshot);
      }
    }
    if (!this.#paused) this.#tellRemovals();
  }

  /** True while a type that goes first has something of the same or an earlier change under way. */
  #mustWait(subscription: Subscription, epoch: number): boolean {
    const rank = rankOf(subscription.typeUrl);
    return this.#subscriptions.some((other) => {
      const otherRank = rankOf(other.typeUrl);
      if (otherRank < 0 || otherRank >= rank) return false;
      if (other.outstanding !== undefined && other.outstanding.epoch <= epoch) return true;
      return other.dirtyEpoch !== undefined && other.dirtyEpoch <= epoch;
    });
  }

  #tell(subscription: Subscription, snapshot: Snapshot): void {
    const set = snapshot.set(subscription.typeUrl) ?? emptySet;
    const difference = subscription.difference(set);
    const mustRespond = subscription.mustRespond;
    const removed = subscription.advance(set, difference);
    subscription.mustRespond = false;
    if (mustRespond || difference.changed.length > 0 || removed.length > 0) {
      this.#send(subscription, { changed: difference.changed, removed });
    }
  }

  /** Clusters and endpoints go when no listener or route of this client can refer to them any more. */
  #tellRemovals(): void {
    if (!this.#subscriptions.some((subscription) => subscription.lingering.size > 0)) return;
    const settled = this.#subscriptions.every(
      (subscription) =>
        rankOf(subscription.typeUrl) < 0 ||
        (subscription.outstanding === undefined &&
          subscription.dirtyEpoch === undefined &&
          // A client that rejected its routes still uses the old ones, and their clusters.
          (subscription.rejection === undefined || lingers(subscription.typeUrl))),
    );
    if (!settled) return;
    for (const subscription of this.#subscriptions) {
      if (subscription.lingering.size === 0) continue;
      const removed = [...subscription.lingering.keys()];
      subscription.lingering.clear();
      // State of the world has no way to say that endpoints are gone; they go with their cluster.
      if (this.#options.dialect === "delta" || subscription.fullStateType)
        this.#send(subscription, { changed: [], removed });
    }
  }

  #send(subscription: Subscription, difference: Difference): void {
    const { dialect } = this.#options;
    const whole = dialect === "sotw" && subscription.fullStateType;
    const nonce = String(++this.#nonce);
    const version = subscription.sentSet.version;
    subscription.sentNonce = nonce;
    subscription.sentVersion = version;
    subscription.outstanding = { nonce, version, epoch: this.#epoch };
    const dependent = dialect === "sotw" ? dependentType(subscription.typeUrl) : undefined;
    for (const other of this.#subscriptions) if (other.typeUrl === dependent) other.mayRewarm = true;
    this.#options.send({
      typeUrl: subscription.typeUrl,
      version,
      nonce,
      resources: whole ? subscription.fullState(subscription.sentSet) : difference.changed,
      removed: dialect === "delta" ? difference.removed : [],
    });
  }
}

export function createServerStream(options: ServerStreamOptions): ServerStream {
  return new Stream(options);
}
