/** Splits at `separator`, but not inside of double quotes. */
function split(text: string, separator: string): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (quoted && character === "\\") i++;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && character === separator) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

/** The value of a key in the first element of `x-forwarded-client-cert` that has it; undefined: none has. Source: Envoy `%XFCC_VALUE(KEY)%`. */
export function forwardedValue(header: string, key: string): string | undefined {
  for (const element of split(header, ",")) {
    for (const pair of split(element, ";")) {
      const at = pair.indexOf("=");
      if (at < 0 || pair.slice(0, at).trim().toLowerCase() !== key.toLowerCase()) continue;
      const value = pair.slice(at + 1).trim();
      if (!/^".*"$/s.test(value)) return value;
      return value.slice(1, -1).replaceAll('\\"', '"');
    }
  }
  return undefined;
}
