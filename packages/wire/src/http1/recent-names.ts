// Hot path: once per header line whose name has no id.
import { TOKEN_LOWER } from "./char-table.ts";

const SLOTS = 64;

/** Lower-case strings of names that one connection has seen lately, so that a name that comes again costs no new string. */
export class RecentNames {
  #names: string[] | null = null;

  /** The name in `bytes[start, end)`, in lower case. The bytes were checked to be token characters. */
  nameOf(bytes: Buffer, start: number, end: number): string {
    this.#names ??= new Array<string>(SLOTS).fill("");
    const first = TOKEN_LOWER[bytes[start] ?? 0] ?? 0;
    const last = TOKEN_LOWER[bytes[end - 1] ?? 0] ?? 0;
    const slot = ((end - start) * 77 + first * 31 + last * 7) & (SLOTS - 1);
    const known = this.#names[slot] ?? "";
    if (isName(known, bytes, start, end)) return known;
    const name = bytes.toString("latin1", start, end).toLowerCase();
    this.#names[slot] = name;
    return name;
  }
}

function isName(name: string, bytes: Buffer, start: number, end: number): boolean {
  const n = end - start;
  if (name.length !== n) return false;
  for (let i = 0; i < n; i++) if (TOKEN_LOWER[bytes[start + i] ?? 0] !== name.charCodeAt(i)) return false;
  return true;
}
