import type { Clock, ClockTimer } from "@heddle/std";
import type { ConnectionError } from "./connection.ts";
import { type Dial, type DialOwner, type DialTarget, dial } from "./dial.ts";
import type { Network } from "./network.ts";
import type { StreamConnection } from "./stream-connection.ts";

/** How long an address has before the next one is tried beside it. Source: RFC 8305 section 5, Envoy. Units: ms. */
const NEXT_ATTEMPT_MS = 300;

/** One of the attempts, with who waits for it. */
class Attempt implements DialOwner {
  readonly #race: RaceDial;
  dial: Dial | undefined;

  constructor(race: RaceDial) {
    this.#race = race;
  }

  onConnected(connection: StreamConnection): void {
    this.#race.won(this, connection);
  }

  onConnectFailed(error: ConnectionError): void {
    this.#race.lost(this, error);
  }
}

/** Attempts at the addresses of one server, TLS included: the first that is through is the connection, the others are given up. */
class RaceDial implements Dial {
  readonly #network: Network;
  readonly #targets: readonly DialTarget[];
  readonly #owner: DialOwner;
  readonly #clock: Clock;
  readonly #onAnother: () => void;
  readonly #startedMs: number;
  readonly #running = new Set<Attempt>();
  #next = 0;
  #timer: ClockTimer | undefined;
  #over = false;

  constructor(network: Network, targets: readonly DialTarget[], owner: DialOwner, clock: Clock, onAnother: () => void) {
    this.#network = network;
    this.#targets = targets;
    this.#owner = owner;
    this.#clock = clock;
    this.#onAnother = onAnother;
    this.#startedMs = clock.monotonic();
    this.#startNext();
  }

  cancel(): void {
    if (!this.#over) this.#end();
  }

  won(attempt: Attempt, connection: StreamConnection): void {
    this.#running.delete(attempt);
    this.#end();
    this.#owner.onConnected(connection);
  }

  lost(attempt: Attempt, error: ConnectionError): void {
    this.#running.delete(attempt);
    if (error.kind === "timeout") this.#next = this.#targets.length;
    this.#startNext();
    if (this.#running.size > 0) return;
    this.#end();
    this.#owner.onConnectFailed(error);
  }

  #startNext(): void {
    this.#timer?.cancel();
    const target = this.#targets[this.#next];
    if (target === undefined) return;
    if (this.#next++ > 0) this.#onAnother();
    // The limit is for all attempts together.
    const timeoutMs = Math.max(1, target.timeoutMs - (this.#clock.monotonic() - this.#startedMs));
    const attempt = new Attempt(this);
    this.#running.add(attempt);
    attempt.dial = dial(this.#network, { ...target, timeoutMs }, attempt, this.#clock);
    if (this.#next < this.#targets.length) this.#timer = this.#clock.after(NEXT_ATTEMPT_MS, () => this.#startNext());
  }

  #end(): void {
    this.#over = true;
    this.#timer?.cancel();
    for (const { dial } of this.#running) dial?.cancel();
    this.#running.clear();
  }
}

/**
 * Starts a connection to whichever of a server's addresses answers first. The owner is never called before this returns. Source: RFC 8305.
 * @param onAnother Told when an address after the first is tried.
 */
export function raceDials(
  network: Network,
  targets: readonly DialTarget[],
  owner: DialOwner,
  clock: Clock,
  onAnother: () => void,
): Dial {
  return new RaceDial(network, targets, owner, clock, onAnother);
}
