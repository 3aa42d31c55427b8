import { createHash } from "node:crypto";
import { canonicalJson } from "@heddle/config";

/** A short content hash: equal content, equal text. */
export function contentHash(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("base64url").slice(0, 22);
}

/** Remembers hashes of immutable values by identity: a state shares what did not change with the state before. */
export interface HashMemo {
  of(value: object): string;
}

class WeakMemo implements HashMemo {
  readonly #hashes = new WeakMap<object, string>();

  of(value: object): string {
    const known = this.#hashes.get(value);
    if (known !== undefined) return known;
    const hash = contentHash(value);
    this.#hashes.set(value, hash);
    return hash;
  }
}

export function createHashMemo(): HashMemo {
  return new WeakMemo();
}
