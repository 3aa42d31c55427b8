import { type HelloExtension, helloFields, plainNumbers, u16 } from "./hello-fields.ts";

/** JA4 before its two lists are hashed; it is `head_hash_hash`. */
export interface Ja4Parts {
  readonly head: string;
  /** Sorted, as four hexadecimal digits each. "": none. */
  readonly ciphers: string;
  /** The same without server name and ALPN; behind them the signature algorithms in the client's order. "": none. */
  readonly extensions: string;
}

const EXTENSION_SERVER_NAME = 0;
const EXTENSION_SIGNATURES = 13;
const EXTENSION_ALPN = 16;
const EXTENSION_VERSIONS = 43;
const MOST = 99;

const VERSIONS: ReadonlyMap<number, string> = new Map([
  [0x0304, "13"],
  [0x0303, "12"],
  [0x0302, "11"],
  [0x0301, "10"],
]);

/** `bytes` begin with a ClientHello that `readClientHello` has read. Source: github.com/FoxIO-LLC/ja4, Envoy 1.40 `enable_ja4_fingerprinting`. */
export function ja4Parts(bytes: Uint8Array): Ja4Parts {
  const { body, ciphers, extensions } = helloFields(bytes);
  const find = (wanted: number) => extensions.find(({ kind }) => kind === wanted);
  const head = [
    "t",
    versionOf(body, find(EXTENSION_VERSIONS)),
    find(EXTENSION_SERVER_NAME) === undefined ? "i" : "d",
    twoDigits(ciphers.length),
    twoDigits(extensions.length),
    alpnOf(body, find(EXTENSION_ALPN)),
  ];
  const kinds = extensions
    .map(({ kind }) => kind)
    .filter((kind) => kind !== EXTENSION_SERVER_NAME && kind !== EXTENSION_ALPN);
  const signatures = find(EXTENSION_SIGNATURES);
  const algorithms: number[] = [];
  if (signatures !== undefined)
    for (let at = signatures.from + 2; at + 2 <= Math.min(signatures.to, body.length); at += 2)
      algorithms.push(u16(body, at));
  return {
    head: head.join(""),
    ciphers: hexList(sorted(ciphers)),
    extensions: hexList(sorted(kinds)) + (algorithms.length === 0 ? "" : `_${hexList(algorithms)}`),
  };
}

function versionOf(body: Uint8Array, extension: HelloExtension | undefined): string {
  const offered = extension === undefined ? [] : plainNumbers(body, extension.from + 1, extension.to);
  return VERSIONS.get(offered.length === 0 ? u16(body, 0) : Math.max(...offered)) ?? "00";
}

/** First and last character of the first protocol; half of each byte where one of both is neither letter nor digit. */
function alpnOf(body: Uint8Array, extension: HelloExtension | undefined): string {
  if (extension === undefined) return "00";
  const length = body[extension.from + 2] ?? 0;
  const from = extension.from + 3;
  if (length === 0 || from + length > extension.to) return "00";
  const first = body[from] ?? 0;
  const last = body[from + length - 1] ?? 0;
  if (isAlphanumeric(first) && isAlphanumeric(last)) return String.fromCharCode(first, last);
  return (first >> 4).toString(16) + (last & 0xf).toString(16);
}

function isAlphanumeric(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}

function twoDigits(count: number): string {
  return String(Math.min(count, MOST)).padStart(2, "0");
}

function sorted(values: readonly number[]): readonly number[] {
  return [...values].sort((a, b) => a - b);
}

function hexList(values: readonly number[]): string {
  return values.map((value) => value.toString(16).padStart(4, "0")).join(",");
}
