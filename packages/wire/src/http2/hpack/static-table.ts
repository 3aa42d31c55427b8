import { createField, type HpackField } from "./field.ts";

const ENTRIES: readonly (readonly [string, string])[] = [
  [":authority", ""],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  [":status", "200"],
  [":status", "204"],
  [":status", "206"],
  [":status", "304"],
  [":status", "400"],
  [":status", "404"],
  [":status", "500"],
  ["accept-charset", ""],
  ["accept-encoding", "gzip, deflate"],
  ["accept-language", ""],
  ["accept-ranges", ""],
  ["accept", ""],
  ["access-control-allow-origin", ""],
  ["age", ""],
  ["allow", ""],
  ["authorization", ""],
  ["cache-control", ""],
  ["content-disposition", ""],
  ["content-encoding", ""],
  ["content-language", ""],
  ["content-length", ""],
  ["content-location", ""],
  ["content-range", ""],
  ["content-type", ""],
  ["cookie", ""],
  ["date", ""],
  ["etag", ""],
  ["expect", ""],
  ["expires", ""],
  ["from", ""],
  ["host", ""],
  ["if-match", ""],
  ["if-modified-since", ""],
  ["if-none-match", ""],
  ["if-range", ""],
  ["if-unmodified-since", ""],
  ["last-modified", ""],
  ["link", ""],
  ["location", ""],
  ["max-forwards", ""],
  ["proxy-authenticate", ""],
  ["proxy-authorization", ""],
  ["range", ""],
  ["referer", ""],
  ["refresh", ""],
  ["retry-after", ""],
  ["server", ""],
  ["set-cookie", ""],
  ["strict-transport-security", ""],
  ["transfer-encoding", ""],
  ["user-agent", ""],
  ["vary", ""],
  ["via", ""],
  ["www-authenticate", ""],
];

/** Index 1…61; index 0 is unused and holds the first entry. Source: RFC 7541 appendix A. */
export const STATIC_TABLE: readonly HpackField[] = [[":authority", ""] as const, ...ENTRIES].map(([name, value]) =>
  createField(name, value),
);

export const STATIC_LENGTH: number = ENTRIES.length;

/** Lowest static index of a name, for literals with an indexed name. */
export const STATIC_NAME_INDEX: ReadonlyMap<string, number> = nameIndex();

function nameIndex(): ReadonlyMap<string, number> {
  const byName = new Map<string, number>();
  ENTRIES.forEach(([name], i) => {
    if (!byName.has(name)) byName.set(name, i + 1);
  });
  return byName;
}

/** Static index of a whole field, or 0. */
export function staticIndexOf(name: string, value: string): number {
  const first = STATIC_NAME_INDEX.get(name) ?? 0;
  if (first === 0) return 0;
  for (let i = first; i <= STATIC_LENGTH && STATIC_TABLE[i]?.name === name; i++) {
    if (STATIC_TABLE[i]?.value === value) return i;
  }
  return 0;
}
