const WELL_FORMED = /^[A-Za-z0-9+/]*$/;
/** Bits of the last character that stand for nothing, by how many characters are left of a group of four. */
const SPARE = [0, 0, 0b1111, 0b11];
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Bytes of base64 with or without padding; undefined for all else, also for bits that should be zero. Source: Envoy `Base64::decodeWithoutPadding`. */
export function decodeBase64(text: string): Buffer | undefined {
  const bare = text.replace(/={1,2}$/, "");
  const rest = bare.length % 4;
  if (bare === "" || rest === 1 || !WELL_FORMED.test(bare)) return undefined;
  if ((DIGITS.indexOf(bare.at(-1) ?? "") & (SPARE[rest] ?? 0)) !== 0) return undefined;
  return Buffer.from(bare, "base64");
}
