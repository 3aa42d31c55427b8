/** Steps of one chunk. */
export const CHUNK_STEPS = 32;
const SLAB_CHUNKS = 512;

/** Room for the steps of many series, taken and given back in chunks of one size: a heap of small arrays that grow one by one leaves twice its size in holes. */
export interface StepPool {
  /** A chunk that holds nothing of use. */
  take(): number;
  give(chunk: number): void;
  set(chunk: number, step: number, timeMs: number, growth: number): void;
  /** Modulo 2³². Units: ms. */
  time(chunk: number, step: number): number;
  growth(chunk: number, step: number): number;
  /** Chunks that are taken. */
  readonly taken: number;
}

export function createStepPool(): StepPool {
  const slabs: { readonly times: Uint32Array; readonly growths: Float32Array }[] = [];
  const free: number[] = [];
  let made = 0;
  const slabOf = (chunk: number) => slabs[Math.floor(chunk / SLAB_CHUNKS)];
  const indexOf = (chunk: number, step: number) => (chunk % SLAB_CHUNKS) * CHUNK_STEPS + step;
  return {
    take: () => {
      const known = free.pop();
      if (known !== undefined) return known;
      if (made % SLAB_CHUNKS === 0) {
        const steps = SLAB_CHUNKS * CHUNK_STEPS;
        slabs.push({ times: new Uint32Array(steps), growths: new Float32Array(steps) });
      }
      return made++;
    },
    give: (chunk) => void free.push(chunk),
    set: (chunk, step, timeMs, growth) => {
      const slab = slabOf(chunk);
      if (!slab) return;
      slab.times[indexOf(chunk, step)] = timeMs;
      // 24 bits hold the growth of a step exactly, or to a ten millionth.
      slab.growths[indexOf(chunk, step)] = growth;
    },
    time: (chunk, step) => slabOf(chunk)?.times[indexOf(chunk, step)] ?? 0,
    growth: (chunk, step) => slabOf(chunk)?.growths[indexOf(chunk, step)] ?? 0,
    get taken() {
      return made - free.length;
    },
  };
}
