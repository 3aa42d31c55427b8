// Hot path: table entries are shared by all messages that refer to them.
import { headerId } from "../../http/header-id.ts";
import { TOKEN_LOWER, VALUE_BYTE } from "../../http1/char-table.ts";

/** Which pseudo-header a field is; 0 for ordinary fields. */
export const PSEUDO_NONE = 0;
export const PSEUDO_AUTHORITY = 1;
export const PSEUDO_METHOD = 2;
export const PSEUDO_PATH = 3;
export const PSEUDO_SCHEME = 4;
export const PSEUDO_STATUS = 5;
export const PSEUDO_PROTOCOL = 6;
export const PSEUDO_UNKNOWN = 7;

const PSEUDO_NAMES = ["", ":authority", ":method", ":path", ":scheme", ":status", ":protocol"];

/** What an entry counts for beyond its name and value. Source: RFC 7541 4.1. Units: bytes. */
export const ENTRY_OVERHEAD = 32;
const COLON = 58;

/** One header field of HTTP/2, checked once when it is made, however often it is referred to. */
export interface HpackField {
  readonly name: string;
  readonly value: string;
  /** Known header id, or 0. */
  readonly id: number;
  readonly pseudo: number;
  /** Name and value hold only what RFC 9113 8.2.1 allows. */
  readonly valid: boolean;
  /** Units: bytes, as the tables count them. Source: RFC 7541 4.1. */
  readonly size: number;
}

class Field implements HpackField {
  readonly name: string;
  readonly value: string;
  readonly id: number;
  readonly pseudo: number;
  readonly valid: boolean;
  readonly size: number;

  constructor(name: string, value: string) {
    this.name = name;
    this.value = value;
    this.size = name.length + value.length + ENTRY_OVERHEAD;
    const pseudo = name.charCodeAt(0) === COLON;
    this.id = pseudo ? 0 : headerId(name);
    this.pseudo = pseudo ? pseudoOf(name) : PSEUDO_NONE;
    this.valid = (pseudo || this.id > 0 || isLowerToken(name)) && isValue(value);
  }
}

export function createField(name: string, value: string): HpackField {
  return new Field(name, value);
}

function pseudoOf(name: string): number {
  const index = PSEUDO_NAMES.indexOf(name);
  return index > 0 ? index : PSEUDO_UNKNOWN;
}

function isLowerToken(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (TOKEN_LOWER[code] !== code) return false;
  }
  return name.length > 0;
}

function isValue(value: string): boolean {
  const n = value.length;
  if (n === 0) return true;
  if (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(n - 1))) return false;
  for (let i = 0; i < n; i++) if (VALUE_BYTE[value.charCodeAt(i)] !== 1) return false;
  return true;
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}
