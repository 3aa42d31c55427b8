// Hot path: charged for frames that cost us more than the peer.

/** Source: nghttp2's default for stream resets (burst 1000, 33 a second), which all costly frames share here. */
const BURST = 1000;
const REFILL_PER_SECOND = 33;

/**
 * A budget of frames by which a peer makes us work without asking for anything useful: resets of unfinished streams (rapid
 * reset), PING, SETTINGS, PRIORITY, empty DATA and HEADERS. Finished exchanges and time fill it up again.
 */
export class FloodGuard {
  readonly #nowMs: (() => number) | undefined;
  #left = BURST;
  #filledAtMs = 0;

  constructor(nowMs: (() => number) | undefined) {
    this.#nowMs = nowMs;
    if (nowMs !== undefined) this.#filledAtMs = nowMs();
  }

  /** Takes one from the budget; false when it is used up. */
  charge(): boolean {
    this.#left--;
    if (this.#left >= 0) return true;
    if (this.#nowMs === undefined) return false;
    const now = this.#nowMs();
    const refill = Math.floor(((now - this.#filledAtMs) * REFILL_PER_SECOND) / 1000);
    if (refill <= 0) return false;
    this.#filledAtMs = now;
    this.#left = Math.min(BURST, refill) - 1;
    return true;
  }

  /** An exchange was completed properly. */
  earn(): void {
    if (this.#left < BURST) this.#left++;
  }
}
