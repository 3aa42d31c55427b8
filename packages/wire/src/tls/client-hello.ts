import { err, ok, type Result } from "@heddle/std";

/** What a TLS ClientHello says in plain sight. */
export interface ClientHello {
  /** Server name (SNI), lower case, "" when absent. */
  readonly serverName: string;
  /** Offered application protocols, in the client's order. */
  readonly alpn: readonly string[];
  /** Highest offered version: 0x0304 is TLS 1.3. */
  readonly maxVersion: number;
}

/** Longest hello that is gathered. Source: Envoy's tls_inspector takes 16 KiB (post-quantum key shares need about 2). Units: bytes. */
export const MAX_CLIENT_HELLO_BYTES = 16 * 1024;

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const EXTENSION_SERVER_NAME = 0;
const EXTENSION_ALPN = 16;
const EXTENSION_SUPPORTED_VERSIONS = 43;

/**
 * Reads a ClientHello from the first bytes of a connection, which stay untouched. Call again with more bytes when it says `undefined`.
 * Errors: a sentence when the bytes are no ClientHello, or one that is malformed or too long. Source: RFC 8446 4.1.2, RFC 6066 3, RFC 7301 3.1.
 */
export function readClientHello(bytes: Uint8Array): Result<ClientHello> | undefined {
  const gathered = clientHelloBody(bytes);
  if (gathered === undefined || !gathered.ok) return gathered;
  const parsed = parseHello(gathered.value);
  return parsed === null ? err("malformed TLS ClientHello: a length points beyond its field") : ok(parsed);
}

/** The message behind its four bytes of kind and length. Errors and `undefined` as `readClientHello`. */
export function clientHelloBody(bytes: Uint8Array): Result<Uint8Array> | undefined {
  return wholeInOneRecord(bytes) ?? gatherHandshake(bytes);
}

/** The usual case, without a copy; undefined: look closer. */
function wholeInOneRecord(bytes: Uint8Array): Result<Uint8Array> | undefined {
  if (bytes.length < 9 || bytes[0] !== HANDSHAKE || bytes[1] !== 3 || bytes[5] !== CLIENT_HELLO) return undefined;
  const length = u16(bytes, 3);
  const end = 9 + (((bytes[6] ?? 0) << 16) | u16(bytes, 7));
  const whole = length <= MAX_CLIENT_HELLO_BYTES && end <= 5 + length && end <= bytes.length;
  return whole ? ok(bytes.subarray(9, end)) : undefined;
}

/** The body of the handshake message, put together from one or more records. */
function gatherHandshake(bytes: Uint8Array): Result<Uint8Array> | undefined {
  const body: number[] = [];
  let need = 4;
  for (let at = 0; ; ) {
    if (at >= bytes.length) return undefined;
    if (bytes[at] !== HANDSHAKE) return err("the first byte is not a TLS handshake record");
    if (at + 1 < bytes.length && bytes[at + 1] !== 3) return err("not a TLS record version");
    if (at + 5 > bytes.length) return undefined;
    const length = u16(bytes, at + 3);
    if (length === 0 || length > MAX_CLIENT_HELLO_BYTES) return err("a TLS record length that no ClientHello has");
    const end = Math.min(bytes.length, at + 5 + length);
    for (let i = at + 5; i < end; i++) body.push(bytes[i] ?? 0);
    if (body.length >= 4) {
      if (body[0] !== CLIENT_HELLO) return err("the first TLS message is not a ClientHello");
      need = 4 + (((body[1] ?? 0) << 16) | ((body[2] ?? 0) << 8) | (body[3] ?? 0));
      if (need > MAX_CLIENT_HELLO_BYTES) return err(`a TLS ClientHello over ${MAX_CLIENT_HELLO_BYTES} bytes`);
      if (body.length >= need) return ok(Uint8Array.from(body.slice(4, need)));
    }
    if (end < at + 5 + length) return undefined;
    at = end;
  }
}

function parseHello(body: Uint8Array): ClientHello | null {
  const legacyVersion = u16(body, 0);
  let at = 34;
  at += 1 + (body[at] ?? 0);
  at += 2 + u16(body, at);
  at += 1 + (body[at] ?? 0);
  let serverName = "";
  let alpn: readonly string[] = [];
  let maxVersion = legacyVersion;
  if (at > body.length) return null;
  if (at === body.length) return { serverName, alpn, maxVersion };
  const end = at + 2 + u16(body, at);
  at += 2;
  if (end > body.length) return null;
  while (at < end) {
    const kind = u16(body, at);
    const from = at + 4;
    const to = from + u16(body, at + 2);
    if (from > end || to > end) return null;
    if (kind === EXTENSION_SERVER_NAME) {
      const name = readServerName(body, from, to);
      if (name === null) return null;
      serverName = name;
    } else if (kind === EXTENSION_ALPN) {
      const protocols = readAlpn(body, from, to);
      if (protocols === null) return null;
      alpn = protocols;
    } else if (kind === EXTENSION_SUPPORTED_VERSIONS) {
      maxVersion = readMaxVersion(body, from, to, maxVersion);
    }
    at = to;
  }
  return { serverName, alpn, maxVersion };
}

function readServerName(body: Uint8Array, from: number, to: number): string | null {
  // An empty list is legal in nobody's hello, but harmless.
  if (to - from < 5) return "";
  const length = u16(body, from + 3);
  if (body[from + 2] !== 0) return "";
  if (from + 5 + length > to) return null;
  return latin1(body, from + 5, from + 5 + length).toLowerCase();
}

function readAlpn(body: Uint8Array, from: number, to: number): string[] | null {
  const protocols: string[] = [];
  const end = from + 2 + u16(body, from);
  if (end > to) return null;
  for (let at = from + 2; at < end; ) {
    const length = body[at] ?? 0;
    if (length === 0 || at + 1 + length > end) return null;
    protocols.push(latin1(body, at + 1, at + 1 + length));
    at += 1 + length;
  }
  return protocols;
}

function readMaxVersion(body: Uint8Array, from: number, to: number, known: number): number {
  let max = known;
  for (let at = from + 1; at + 1 < to; at += 2) {
    const version = u16(body, at);
    // Reserved GREASE values (0x?a?a) say nothing.
    if ((version & 0x0f0f) !== 0x0a0a && version > max) max = version;
  }
  return max;
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("latin1");
}
