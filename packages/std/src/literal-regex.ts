/** A regular expression, of RE2 or JavaScript, that matches just this text. */
export function literalRegex(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
