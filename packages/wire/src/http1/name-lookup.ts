// Hot path: once per header line.
import { HEADER_NAMES } from "../http/header-id.ts";
import { TOKEN_LOWER } from "./char-table.ts";

const SLOTS = 1024;

/** Open addressing over all known names; 0 is free. Built once, never changed. */
const TABLE: Uint8Array = buildTable();
const NAME_BYTES: readonly Uint8Array[] = HEADER_NAMES.map((name) => new TextEncoder().encode(name));
const NO_BYTES = new Uint8Array(0);

/** The id of the name in `bytes[start, end)` in any case, or 0. The bytes were checked to be token characters. */
export function lookUpName(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  let slot = slotOf(
    length,
    TOKEN_LOWER[bytes[start] ?? 0] ?? 0,
    TOKEN_LOWER[bytes[start + (length >> 1)] ?? 0] ?? 0,
    TOKEN_LOWER[bytes[end - 1] ?? 0] ?? 0,
  );
  for (let id = TABLE[slot] ?? 0; id !== 0; id = TABLE[slot] ?? 0) {
    const name = NAME_BYTES[id] ?? NO_BYTES;
    if (name.length === length) {
      let i = 0;
      while (i < length && TOKEN_LOWER[bytes[start + i] ?? 0] === name[i]) i++;
      if (i === length) return id;
    }
    slot = (slot + 1) & (SLOTS - 1);
  }
  return 0;
}

function slotOf(length: number, first: number, middle: number, last: number): number {
  return (length * 77 + first * 31 + middle * 149 + last * 7) & (SLOTS - 1);
}

function buildTable(): Uint8Array {
  const table = new Uint8Array(SLOTS);
  HEADER_NAMES.forEach((name, id) => {
    if (id === 0) return;
    const code = (at: number) => name.charCodeAt(at);
    let slot = slotOf(name.length, code(0), code(name.length >> 1), code(name.length - 1));
    while (table[slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
    table[slot] = id;
  });
  return table;
}
