import type { Stamps } from "./metadata.ts";

/** Kubernetes leaves out vowels and digits that make words or look alike. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

export function createStamps(now: () => number, randomBytes: (count: number) => Uint8Array): () => Stamps {
  return () => ({
    now: new Date(now()).toISOString().replace(/\.\d+Z$/, "Z"),
    uuid: () => uuidOf(randomBytes(16)),
    suffix: () => Array.from(randomBytes(5), (byte) => ALPHABET[byte % ALPHABET.length]).join(""),
  });
}

function uuidOf(random: Uint8Array): string {
  const bytes = Uint8Array.from(random);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
