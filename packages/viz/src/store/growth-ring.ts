const FIRST_LENGTH = 4;

/** What a counter grew by, with the times: a queue of 8 bytes an entry whose memory grows with what stands in it. */
export interface GrowthRing {
  readonly length: number;
  /** Room that it holds. */
  readonly bytes: number;
  /** Invariant: times ascend, and none is 49 days before the newest. Units: whole ms. */
  push(timeMs: number, growth: number): void;
  /** Adds to the newest, and moves it to a later time. */
  addToLast(timeMs: number, growth: number): void;
  /** Takes the oldest out. */
  shift(): void;
  /** The oldest has index 0; `nowMs`: any time from the newest's on, at most 49 days later. Units: ms. */
  time(i: number, nowMs: number): number;
  growth(i: number): number;
  /** Gives back what is not needed for what stands in it. */
  trim(): void;
}

export function createGrowthRing(): GrowthRing {
  return new Ring();
}

class Ring implements GrowthRing {
  /** Times modulo 2³². */
  #times = new Uint32Array(0);
  /** Growth of one step: 24 bits hold it exactly, or to a ten millionth. */
  #growths = new Float32Array(0);
  #head = 0;
  length = 0;

  get bytes(): number {
    return this.#times.byteLength + this.#growths.byteLength;
  }

  push(timeMs: number, growth: number): void {
    if (this.length === this.#times.length) this.#resize(Math.max(FIRST_LENGTH, Math.ceil(this.length * 1.5)));
    const at = this.#at(this.length++);
    this.#times[at] = timeMs;
    this.#growths[at] = growth;
  }

  addToLast(timeMs: number, growth: number): void {
    const at = this.#at(this.length - 1);
    this.#times[at] = timeMs;
    this.#growths[at] = (this.#growths[at] ?? 0) + growth;
  }

  shift(): void {
    this.#head = this.#at(1);
    this.length--;
  }

  time(i: number, nowMs: number): number {
    return nowMs - ((nowMs - (this.#times[this.#at(i)] ?? 0)) >>> 0);
  }

  growth(i: number): number {
    return this.#growths[this.#at(i)] ?? 0;
  }

  trim(): void {
    if (this.length < this.#times.length) this.#resize(this.length);
  }

  #at(i: number): number {
    const at = this.#head + i;
    return at < this.#times.length ? at : at - this.#times.length;
  }

  #resize(room: number): void {
    const [times, growths] = [new Uint32Array(room), new Float32Array(room)];
    for (let i = 0; i < this.length; i++) {
      times[i] = this.#times[this.#at(i)] ?? 0;
      growths[i] = this.growth(i);
    }
    this.#times = times;
    this.#growths = growths;
    this.#head = 0;
  }
}
