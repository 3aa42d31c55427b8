/** What a finished handshake agreed on beyond its version and cipher. */
export interface TlsSession {
  /** Hexadecimal; "" with TLS 1.3, which has none. */
  readonly id: string;
  /** Name of the key exchange, as BoringSSL has it; "" with RSA. */
  readonly group: string;
}

/** By their TLS numbers. Source: IANA "TLS Supported Groups". */
const GROUPS: Readonly<Record<number, string>> = {
  23: "P-256",
  24: "P-384",
  25: "P-521",
  29: "X25519",
  4588: "X25519MLKEM768",
  4589: "SecP384r1MLKEM1024",
  25497: "X25519Kyber768Draft00",
};

const SEQUENCE = 0x30;
const OCTETS = 0x04;
/** Context-specific, constructed, 18. */
const GROUP_TAG = 0xb2;
/** version, sslVersion, cipher, sessionID. Source: BoringSSL `ssl_asn1.cc`. */
const ID_AT = 3;

/** Reads a session as the runtime's `getSession` gives it (DER). Undefined: it is none. */
export function readTlsSession(der: Uint8Array): TlsSession | undefined {
  const outer = element(der, 0);
  if (outer === undefined || outer.tag !== SEQUENCE) return undefined;
  let id = "";
  let group = "";
  let at = outer.from;
  for (let index = 0; at < outer.to; index++) {
    const field = element(der, at);
    if (field === undefined) return undefined;
    if (index === ID_AT && field.tag === OCTETS) id = Buffer.from(der.subarray(field.from, field.to)).toString("hex");
    if (field.tag === GROUP_TAG) {
      const number = element(der, field.from);
      if (number !== undefined) group = groupName(der.subarray(number.from, number.to));
    }
    at = field.to;
  }
  return { id, group };
}

function groupName(bytes: Uint8Array): string {
  const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  return GROUPS[number] ?? String(number);
}

/** A DER element with a one-byte tag: its content is `bytes[from, to)`. */
function element(bytes: Uint8Array, at: number): { tag: number; from: number; to: number } | undefined {
  const first = bytes[at + 1];
  if (first === undefined) return undefined;
  const more = first < 0x80 ? 0 : first & 0x7f;
  let length = more === 0 ? first : 0;
  for (let i = 0; i < more; i++) length = length * 256 + (bytes[at + 2 + i] ?? 0);
  const from = at + 2 + more;
  const to = from + length;
  return to > bytes.length ? undefined : { tag: bytes[at] ?? 0, from, to };
}
