/** A small random source with a seed, so that a failing case can be repeated. Source: mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Damages bytes at random: flips, cuts, repeats, drops and inserts, one to four times. */
export function damaged(bytes: Uint8Array, random: () => number): Buffer {
  let out = Buffer.from(bytes);
  const at = () => Math.floor(random() * (out.length + 1));
  for (let times = 1 + Math.floor(random() * 4); times > 0; times--) {
    const [from, to] = [at(), at()].sort((a, b) => a - b) as [number, number];
    switch (Math.floor(random() * 6)) {
      case 0:
        if (out.length > 0) out[Math.min(from, out.length - 1)] = Math.floor(random() * 256);
        break;
      case 1:
        if (out.length > 0) out[Math.min(from, out.length - 1)] = [0, 255, 127, 128][Math.floor(random() * 4)] ?? 0;
        break;
      case 2:
        out = Buffer.from(out.subarray(0, from));
        break;
      case 3:
        out = Buffer.concat([out.subarray(0, to), out.subarray(from)]);
        break;
      case 4:
        out = Buffer.concat([out.subarray(0, from), out.subarray(to)]);
        break;
      default: {
        const noise = Buffer.from(Array.from({ length: Math.floor(random() * 20) }, () => Math.floor(random() * 256)));
        out = Buffer.concat([out.subarray(0, from), noise, out.subarray(from)]);
      }
    }
  }
  return out;
}
