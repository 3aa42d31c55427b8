/** Why we decide otherwise than Envoy, by the names of cases. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/obs-fold of transfer-encoding/, "a folded coding is not the one word that we know"],
  [
    /obs-fold/,
    "refused: RFC 9112 5.2 leaves a server that choice, and folding is how filters and servers come to disagree",
  ],
  [/a chunk extension with a NUL|a chunk size line of 100 kB/, "chunk extensions are checked and bounded"],
  [
    /chunk data|last chunk with a bare LF/,
    "chunks end with CRLF and nothing else; Envoy reads a bare LF there as their end",
  ],
  [/bare LF|bare CR/, "only CRLF ends a line: RFC 9112 2.2"],
  [/chunked twice/, "both refuse; a repeated field is malformed for us, an unknown coding for Envoy"],
  [/identity with a length/, "both refuse; the unknown coding comes first for us"],
  [/chunked in HTTP\/1.0/, "both refuse; RFC 9112 6.1 makes it a framing fault before the version is looked at"],
  [/Connection names Host/, "the nomination is ignored: Host is always sent on"],
  [/Host twice/, "RFC 9112 3.2: more than one Host is 400; Envoy joins them"],
  [/Host with user information/, "RFC 9110 4.2.4: an authority with user information hides where a request goes"],
  [
    /an unknown method|a method in small letters/,
    "RFC 9110 9.1: methods are an open set, and a proxy passes those that it does not know",
  ],
  [
    /before the target|a version with a space/,
    "exactly one space stands between the parts of a request line: RFC 9112 3",
  ],
  [/a target above ASCII/, "clients send raw UTF-8 (curl does); it passes unchanged"],
  [/dots above the root/, "refused: no client means it, and applications disagree on what it is"],
  [/HTTP\/1\.2|HTTP\/2\.0/, "both refuse; 505 says what is wrong"],
  [/HTTP\/0\.9/, "no end of a head comes, so the header timeout decides"],
  [/no version/, "both refuse; a request line without a version is malformed for us"],
  [/a value that (begins|ends)/, "RFC 9113 8.2.1: a value with white space around it is malformed"],
];

/** The reason on record, or undefined: then the difference is not wanted. */
export function differenceReason(name: string): string | undefined {
  return REASONS.find(([pattern]) => pattern.test(name))?.[1];
}
