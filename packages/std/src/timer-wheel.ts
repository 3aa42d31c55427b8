// Hot path: armed and disarmed several times per request.

/** What a timer calls; an object rather than a closure, so that arming allocates nothing. */
export interface Expirable {
  /** Called once, from `TimerWheel.advance`, at or up to one tick after the deadline. The timer may be armed again here. */
  onExpire(): void;
}

/** One reusable timeout: make it once per stream or connection, arm it as often as needed. */
export interface WheelTimer {
  /** Fires after `delayMs` from the wheel's current time; replaces an earlier deadline. */
  arm(delayMs: number): void;
  /** Stops; harmless when not armed. For timers that are armed again soon: the wheel may hold the timer until its slot is next visited. */
  disarm(): void;
  /** Stops, and the wheel lets go of the timer and its target. For the end of what the timer belongs to. */
  release(): void;
  readonly armed: boolean;
}

/** Thousands of coarse timeouts for the price of one timer: arming and disarming are a few field writes. */
export interface TimerWheel {
  create(target: Expirable): WheelTimer;
  /** Moves the wheel to `nowMs` and fires what is due. The composition root calls it every `tickMs`. */
  advance(nowMs: number): void;
  /** The wheel's current time, exact to one tick: a clock read that costs nothing. Units: ms. */
  readonly nowMs: number;
  /** Timers that wait (a disarmed one may be counted until its slot is next visited). */
  readonly size: number;
}

export interface TimerWheelOptions {
  /** Resolution. Default: 10. Units: ms. */
  readonly tickMs?: number;
  /** Slots of the wheel, a power of two. Deadlines beyond `tickMs * slots` take extra visits. Default: 1024. */
  readonly slots?: number;
}

class Timer implements WheelTimer {
  readonly wheel: Wheel;
  readonly target: Expirable;
  /** Tick at which it fires; -1 when disarmed. */
  dueTick = -1;
  /** Tick of the slot whose list holds this timer; -1 when in none. Invariant while armed: heldTick <= dueTick. */
  heldTick = -1;
  next: Timer | null = null;
  previous: Timer | null = null;

  constructor(wheel: Wheel, target: Expirable) {
    this.wheel = wheel;
    this.target = target;
  }

  get armed(): boolean {
    return this.dueTick >= 0;
  }

  arm(delayMs: number): void {
    const due = this.wheel.dueTick(delayMs);
    this.dueTick = due;
    // A later deadline only changes the number: the visit of the old slot moves the timer on.
    if (this.heldTick >= 0 && this.heldTick <= due) return;
    if (this.heldTick >= 0) this.wheel.unlink(this);
    this.wheel.link(this);
  }

  disarm(): void {
    // Stays linked: streams that finish re-arm soon, and the slot's visit drops it for good.
    this.dueTick = -1;
  }

  release(): void {
    this.dueTick = -1;
    if (this.heldTick >= 0) this.wheel.unlink(this);
  }
}

class Wheel implements TimerWheel {
  readonly #tickMs: number;
  readonly #mask: number;
  readonly #heads: (Timer | null)[];
  readonly #startMs: number;
  #tick = 0;
  size = 0;
  nowMs: number;

  constructor(options: TimerWheelOptions, nowMs: number) {
    this.#tickMs = options.tickMs ?? 10;
    const slots = options.slots ?? 1024;
    if (slots <= 0 || (slots & (slots - 1)) !== 0) throw new Error(`slots must be a power of two, not ${slots}`);
    this.#mask = slots - 1;
    this.#heads = new Array<Timer | null>(slots).fill(null);
    this.#startMs = nowMs;
    this.nowMs = nowMs;
  }

  create(target: Expirable): WheelTimer {
    return new Timer(this, target);
  }

  dueTick(delayMs: number): number {
    // One tick more than the quotient, so that a timer never fires early.
    return this.#tick + Math.ceil(Math.max(0, delayMs) / this.#tickMs) + 1;
  }

  link(timer: Timer): void {
    // At most one turn ahead: a visit re-links what is due later.
    const tick = Math.min(timer.dueTick, this.#tick + this.#mask);
    timer.heldTick = tick;
    const slot = tick & this.#mask;
    const head = this.#heads[slot] ?? null;
    timer.next = head;
    timer.previous = null;
    if (head !== null) head.previous = timer;
    this.#heads[slot] = timer;
    this.size++;
  }

  unlink(timer: Timer): void {
    if (timer.previous !== null) timer.previous.next = timer.next;
    else this.#heads[timer.heldTick & this.#mask] = timer.next;
    if (timer.next !== null) timer.next.previous = timer.previous;
    timer.next = null;
    timer.previous = null;
    timer.heldTick = -1;
    this.size--;
  }

  advance(nowMs: number): void {
    const target = Math.floor((nowMs - this.#startMs) / this.#tickMs);
    // After a long pause each slot needs one visit at most.
    if (target - this.#tick > this.#mask + 1) this.#tick = target - this.#mask - 1;
    while (this.#tick < target) {
      this.#tick++;
      this.nowMs = this.#startMs + this.#tick * this.#tickMs;
      this.#visit(this.#tick & this.#mask);
    }
  }

  #visit(slot: number): void {
    // Re-linking never lands in the slot being visited (at least one and at most `mask` ticks ahead), so this ends.
    for (let timer = this.#heads[slot] ?? null; timer !== null; timer = this.#heads[slot] ?? null) {
      this.unlink(timer);
      if (timer.dueTick < 0) continue;
      if (timer.dueTick > this.#tick) {
        this.link(timer);
        continue;
      }
      timer.dueTick = -1;
      timer.target.onExpire();
    }
  }
}

export function createTimerWheel(options: TimerWheelOptions, nowMs: number): TimerWheel {
  return new Wheel(options, nowMs);
}
