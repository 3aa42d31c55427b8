import { splitQuoted } from "../split-quoted.ts";

/** The value of a key in the first element of `x-forwarded-client-cert` that has it; undefined: none has. Source: Envoy `%XFCC_VALUE(KEY)%`. */
export function forwardedValue(header: string, key: string): string | undefined {
  for (const element of splitQuoted(header, ",")) {
    for (const pair of splitQuoted(element, ";")) {
      const at = pair.indexOf("=");
      if (at < 0 || pair.slice(0, at).trim().toLowerCase() !== key.toLowerCase()) continue;
      const value = pair.slice(at + 1).trim();
      if (!/^".*"$/s.test(value)) return value;
      return value.slice(1, -1).replaceAll('\\"', '"');
    }
  }
  return undefined;
}
