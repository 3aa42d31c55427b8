// Hot path: one per message in each direction.
import { createFlatHeaderList } from "./flat-header-list.ts";

/**
 * The end-to-end header fields of one message, in order; the same for HTTP/1 and HTTP/2. Hop-by-hop fields and
 * pseudo-headers are never inside: they are fields of the message head.
 *
 * Names are lower case. A list parsed from HTTP/1 keeps the bytes and makes strings only when asked, and the HTTP/1
 * writer copies untouched stretches as they are; so read by id, and change only what must change.
 *
 * Walk it like this; removed entries stay as holes with an empty name:
 * ```ts
 * for (let i = 0; i < list.length; i++) {
 *   const name = list.nameAt(i);
 *   if (name === "") continue;
 *   …list.valueAt(i)…
 * }
 * ```
 */
export interface HeaderList {
  /** Entries including holes. */
  readonly length: number;
  /** Entries without holes. */
  readonly size: number;

  /** Lower-case name; "" for a hole. */
  nameAt(index: number): string;
  /** One character per byte (latin1); "" for a hole. */
  valueAt(index: number): string;
  /** Known id (see `HEADER_ID`), 0 for other names, -1 for a hole. */
  idAt(index: number): number;

  /** Whether a known header is there: one bit test. */
  hasId(id: number): boolean;
  /** First value of a known header. */
  getId(id: number): string | undefined;
  /** All values of a known header, as `getAll`. */
  getAllId(id: number): string | undefined;
  /** Index of the first entry of a known header, or -1. */
  indexOfId(id: number): number;
  /** Replaces the first entry, removes further ones, appends when there is none. */
  setId(id: number, value: string): void;
  appendId(id: number, value: string): void;
  /** Removes all entries of a known header; says whether there was one. */
  removeId(id: number): boolean;

  /** The same by lower-case name; for names that configuration brings. Known names cost one more map look-up. */
  has(name: string): boolean;
  get(name: string): string | undefined;
  /** All values joined with ", " as RFC 9110 5.3 has it (never for set-cookie), or undefined. */
  getAll(name: string): string | undefined;
  set(name: string, value: string): void;
  append(name: string, value: string): void;
  remove(name: string): boolean;

  setAt(index: number, value: string): void;
  removeAt(index: number): void;

  /** Empties the list and lets go of the parsed bytes; the storage stays for reuse. */
  clear(): void;
  /** Adds all entries of another list. Byte-backed entries become strings. */
  appendAll(other: HeaderList): void;
  /** Rough size as HTTP/2 counts it: names, values and 32 per entry. Source: RFC 9113 10.5.1. */
  byteSize(): number;
}

/** An empty list. Grows as needed. */
export function createHeaderList(): HeaderList {
  return createFlatHeaderList();
}

/** A list of the given entries, names in lower case. */
export function headerListOf(entries: Iterable<readonly [string, string]>): HeaderList {
  const list = createFlatHeaderList();
  for (const [name, value] of entries) list.append(name.toLowerCase(), value);
  return list;
}

/** The entries as pairs; for tests, logs and cold paths. */
export function headerEntries(list: HeaderList): [string, string][] {
  const entries: [string, string][] = [];
  for (let i = 0; i < list.length; i++) {
    const name = list.nameAt(i);
    if (name !== "") entries.push([name, list.valueAt(i)]);
  }
  return entries;
}
