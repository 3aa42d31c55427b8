import type { Expirable, TimerWheel, WheelTimer } from "@heddle/std";
import type { Pings } from "@heddle/wire";
import type { KeepAlivePings } from "../config/keep-alive-pings.ts";

/** Sends PINGs on an HTTP/2 connection, and says when the peer answers no more. Source: Envoy `connection_keepalive`. */
export interface KeepAlive {
  /** A request is about to start on a connection that was quiet for this long: asks first whether the peer still lives. */
  beforeRequest(quietMs: number): void;
  release(): void;
}

class PingTimer implements KeepAlive, Expirable {
  readonly #config: KeepAlivePings;
  readonly #pings: Pings;
  readonly #wheel: TimerWheel;
  readonly #random: () => number;
  readonly #onDead: () => void;
  readonly #timer: WheelTimer;
  /** Of the newest PING; until the first the start. Units: ms of the wheel. */
  #sentMs: number;
  /** From one PING to the next; 0: only requests ask for some. */
  #intervalMs = 0;

  constructor(
    config: KeepAlivePings,
    pings: Pings,
    around: { readonly wheel: TimerWheel; readonly random: () => number },
    onDead: () => void,
  ) {
    this.#config = config;
    this.#pings = pings;
    this.#wheel = around.wheel;
    this.#random = around.random;
    this.#onDead = onDead;
    this.#timer = around.wheel.create(this);
    this.#sentMs = around.wheel.nowMs;
    this.#scheduleNext();
  }

  beforeRequest(quietMs: number): void {
    const { idleMs } = this.#config;
    if (idleMs > 0 && quietMs > idleMs && !this.#pings.pingPending) this.#send();
  }

  onExpire(): void {
    const waitedMs = this.#wheel.nowMs - this.#sentMs;
    if (this.#pings.pingPending) {
      if (waitedMs >= this.#config.timeoutMs) this.#onDead();
      else this.#timer.arm(this.#config.timeoutMs - waitedMs);
    } else if (this.#intervalMs > 0) {
      if (waitedMs >= this.#intervalMs) this.#send();
      else this.#timer.arm(this.#intervalMs - waitedMs);
    }
  }

  release(): void {
    this.#timer.release();
  }

  #send(): void {
    this.#pings.ping();
    this.#sentMs = this.#wheel.nowMs;
    this.#scheduleNext();
    const { timeoutMs } = this.#config;
    // One timer looks at both: an answer stops nothing, it is seen when the timer expires.
    this.#timer.arm(this.#intervalMs > 0 ? Math.min(this.#intervalMs, timeoutMs) : timeoutMs);
  }

  #scheduleNext(): void {
    const { intervalMs, jitter } = this.#config;
    this.#intervalMs = intervalMs * (1 + this.#random() * jitter);
    if (intervalMs > 0) this.#timer.arm(this.#intervalMs);
  }
}

/** Starts to watch a connection. `onDead`: an answer is overdue; close the connection. */
export function startKeepAlive(
  config: KeepAlivePings,
  pings: Pings,
  around: { readonly wheel: TimerWheel; readonly random: () => number },
  onDead: () => void,
): KeepAlive {
  return new PingTimer(config, pings, around, onDead);
}
