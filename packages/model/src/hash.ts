import { createHash } from "node:crypto";
import { canonicalJson } from "@heddle/config";

/** A short content hash: equal content, equal text. */
export function contentHash(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("base64url").slice(0, 22);
}
