/** Packets under way, in the order of their departure: what has left first is never overtaken. */
export interface DelayQueue {
  /** False when the line is full and the packet is lost. */
  push(packet: Uint8Array, atMs: number): boolean;
  /** The first packet whose time has come. */
  due(nowMs: number): Uint8Array | undefined;
  /** Removes what `due` gave. */
  shift(): void;
  /** When the first packet arrives. */
  nextAtMs(): number | undefined;
  readonly length: number;
}

/** What a line of 100 ms at 500 Mbit/s holds. */
const MAX_PACKETS = 4096;
/** Shifted-out slots that may stand at the front before the list is cut. */
const COMPACT_AT = 1024;

interface Entry {
  readonly packet: Uint8Array;
  readonly atMs: number;
}

export function createDelayQueue(maxPackets: number = MAX_PACKETS): DelayQueue {
  let entries: Entry[] = [];
  let first = 0;
  return {
    push(packet, atMs) {
      if (entries.length - first >= maxPackets) return false;
      entries.push({ packet, atMs: Math.max(atMs, entries.at(-1)?.atMs ?? atMs) });
      return true;
    },
    due(nowMs) {
      const entry = entries[first];
      return entry !== undefined && entry.atMs <= nowMs ? entry.packet : undefined;
    },
    shift() {
      first += 1;
      if (first === entries.length) {
        entries = [];
        first = 0;
      } else if (first >= COMPACT_AT) {
        entries = entries.slice(first);
        first = 0;
      }
    },
    nextAtMs: () => entries[first]?.atMs,
    get length() {
      return entries.length - first;
    },
  };
}
