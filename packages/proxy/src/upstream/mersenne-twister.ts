const SIZE = 624;
const AHEAD = 397;

/** MT19937: the same numbers for the same seed everywhere. Source: Matsumoto and Nishimura 1998. */
export class MersenneTwister {
  readonly #state = new Uint32Array(SIZE);
  #at = 0;

  /** @param seed Its lower 32 bits count. */
  constructor(seed: number) {
    const state = this.#state;
    state[0] = seed;
    for (let i = 1; i < SIZE; i++) {
      const last = state[i - 1] ?? 0;
      state[i] = Math.imul(1_812_433_253, last ^ (last >>> 30)) + i;
    }
  }

  /** 0…2³²−1. */
  next(): number {
    const state = this.#state;
    const at = this.#at;
    const after = at + 1 === SIZE ? 0 : at + 1;
    const mixed = ((state[at] ?? 0) & 0x8000_0000) | ((state[after] ?? 0) & 0x7fff_ffff);
    let y = (state[(at + AHEAD) % SIZE] ?? 0) ^ (mixed >>> 1) ^ ((mixed & 1) * 0x9908_b0df);
    state[at] = y;
    this.#at = after;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** 0…`below`−1, each as likely. */
  below(below: number): number {
    const width = Math.floor(0x1_0000_0000 / below);
    for (;;) {
      const value = Math.floor(this.next() / width);
      if (value < below) return value;
    }
  }
}
