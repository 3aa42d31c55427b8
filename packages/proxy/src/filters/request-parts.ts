import type { HeaderList } from "@heddle/wire";

/** Query parameters of a path in their order, percent-encoding taken away, one character for each byte. Source: Envoy `parseAndDecodeQueryString`. */
export function queryParameters(path: string): readonly (readonly [name: string, value: string])[] {
  const mark = path.indexOf("?");
  if (mark < 0) return [];
  return path
    .slice(mark + 1)
    .split("&")
    .map((pair) => {
      const equals = pair.indexOf("=");
      if (equals < 0) return [decodePercent(pair), ""] as const;
      return [decodePercent(pair.slice(0, equals)), decodePercent(pair.slice(equals + 1))] as const;
    });
}

/** The path without the values of a query parameter. */
export function withoutParameter(path: string, name: string): string {
  const mark = path.indexOf("?");
  if (mark < 0) return path;
  const kept = path
    .slice(mark + 1)
    .split("&")
    .filter((pair) => decodePercent(pair.split("=", 1)[0] ?? "") !== name);
  return kept.length === 0 ? path.slice(0, mark) : `${path.slice(0, mark)}?${kept.join("&")}`;
}

function decodePercent(text: string): string {
  return text.replace(/%([\da-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Takes a cookie out of the lines that have it. */
export function withoutCookie(headers: HeaderList, name: string): void {
  for (let i = 0; i < headers.length; i++) {
    if (headers.nameAt(i) !== "cookie") continue;
    const parts = headers.valueAt(i).split(";");
    const kept = parts.filter((part) => part.split("=", 1)[0]?.trim() !== name);
    if (kept.length === parts.length) continue;
    if (kept.length === 0) headers.removeAt(i);
    else headers.setAt(i, kept.map((part) => part.trim()).join("; "));
  }
}
