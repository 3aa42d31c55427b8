/** RE2's substitution text (`\1` a group, `\0` the match, `\\` a backslash) as `String.prototype.replace` and re2js read it. Source: RE2::Rewrite. */
export function fromRe2Substitution(text: string): string {
  return text.replace(/\\([\d\\])|\$/g, (whole, char: string) => {
    if (whole === "$") return "$$";
    if (char === "\\") return "\\";
    // With two digits, so that a digit behind it is no part of the group's number.
    return char === "0" ? "$&" : `$0${char}`;
  });
}
