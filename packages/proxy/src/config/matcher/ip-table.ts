// Hot path: once for each matcher tree of addresses that is asked.
import type { Cidr } from "@heddle/std";

/** A value that holds for a block of addresses. */
export interface IpEntry<T> {
  readonly value: T;
  /** Only where no more specific block holds the address. */
  readonly exclusive: boolean;
}

/** Values by blocks of addresses: one look-up for each length of prefix that occurs, whatever the number of blocks. */
export interface IpTable<T> {
  /** Those of all blocks that hold the address: the most specific first, blocks of one length in their order. */
  find(ip: Uint8Array): readonly IpEntry<T>[];
  values(): Iterable<T>;
}

interface Level<T> {
  readonly prefixLength: number;
  readonly byNetwork: Map<string, IpEntry<T>[]>;
}

const NOTHING: readonly IpEntry<never>[] = [];

class LevelTable<T> implements IpTable<T> {
  /** By bytes of the address (4, 16), longest prefix first. */
  readonly #families = new Map<number, Level<T>[]>();

  constructor(blocks: Iterable<readonly [cidr: Cidr, entry: IpEntry<T>]>) {
    for (const [{ bytes, prefixLength }, entry] of blocks) {
      const levels = this.#families.get(bytes.length) ?? [];
      this.#families.set(bytes.length, levels);
      const found = levels.find((one) => one.prefixLength === prefixLength);
      const level: Level<T> = found ?? { prefixLength, byNetwork: new Map() };
      if (found === undefined) levels.push(level);
      const key = networkKey(bytes, prefixLength);
      const known = level.byNetwork.get(key);
      if (known === undefined) level.byNetwork.set(key, [entry]);
      else known.push(entry);
    }
    for (const levels of this.#families.values()) levels.sort((a, b) => b.prefixLength - a.prefixLength);
  }

  find(ip: Uint8Array): readonly IpEntry<T>[] {
    let found: readonly IpEntry<T>[] = NOTHING;
    for (const { prefixLength, byNetwork } of this.#families.get(ip.length) ?? []) {
      const here = byNetwork.get(networkKey(ip, prefixLength));
      if (here !== undefined) found = found.length === 0 ? here : [...found, ...here];
    }
    return found;
  }

  *values(): Iterable<T> {
    for (const levels of this.#families.values())
      for (const { byNetwork } of levels)
        for (const entries of byNetwork.values()) for (const { value } of entries) yield value;
  }
}

/** The bits of an address before `prefixLength`, as a text. */
function networkKey(bytes: Uint8Array, prefixLength: number): string {
  const whole = prefixLength >> 3;
  let key = "";
  for (let i = 0; i < whole; i++) key += String.fromCharCode(bytes[i] ?? 0);
  const rest = prefixLength & 7;
  return rest === 0 ? key : key + String.fromCharCode((bytes[whole] ?? 0) & ((0xff << (8 - rest)) & 0xff));
}

export function createIpTable<T>(blocks: Iterable<readonly [cidr: Cidr, entry: IpEntry<T>]>): IpTable<T> {
  return new LevelTable(blocks);
}
