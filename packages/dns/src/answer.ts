import { type Answer, decode, encode, type Packet } from "dns-packet";

/** A question as it arrived. */
export type Query = Packet & { readonly opcode?: string };

export const RCODE = { ok: 0, formatError: 1, serverFailure: 2, missing: 3, notImplemented: 4, refused: 5 } as const;

/** What is answered, before it is fitted into a packet. */
export interface Outcome {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly answers: readonly Answer[];
  readonly authorities: readonly Answer[];
  /** Left out where there is no room. */
  readonly additional: readonly Answer[];
}

const FLAG = {
  authoritative: 1 << 10,
  truncated: 1 << 9,
  recursionDesired: 1 << 8,
  recursionAvailable: 1 << 7,
} as const;
/** Without EDNS a datagram answer has at most this. Source: RFC 1035 section 4.2.1. */
const PLAIN_UDP_BYTES = 512;
const STREAM_BYTES = 65_535;
/** What we offer to receive. Source: DNS flag day 2020. */
const EDNS_BYTES = 1232;

/** Reads a query. Errors: undefined for bytes that are none. */
export function readQuery(bytes: Uint8Array): Query | undefined {
  try {
    const packet: Query = decode(Buffer.from(bytes));
    return packet.type === "query" ? packet : undefined;
  } catch {
    return undefined;
  }
}

/** The answer packet; truncated where it does not fit what the client takes. */
export function encodeAnswer(query: Query, outcome: Outcome, transport: "udp" | "tcp"): Uint8Array {
  const edns = query.additionals?.find((record) => record.type === "OPT");
  const datagram = edns === undefined ? PLAIN_UDP_BYTES : Math.max(PLAIN_UDP_BYTES, edns.udpPayloadSize);
  const limit = transport === "udp" ? datagram : STREAM_BYTES;
  const flags =
    ((query.flags ?? 0) & FLAG.recursionDesired) |
    FLAG.recursionAvailable |
    (outcome.authoritative ? FLAG.authoritative : 0) |
    outcome.rcode;
  const optional: Answer[] =
    edns === undefined ? [] : [{ ...edns, udpPayloadSize: EDNS_BYTES, extendedRcode: 0, options: [] }];
  const build = (answers: readonly Answer[], additional: readonly Answer[], extraFlags: number) =>
    encode({
      type: "response",
      id: query.id ?? 0,
      flags: flags | extraFlags,
      questions: query.questions ?? [],
      answers: [...answers],
      authorities: [...outcome.authorities],
      additionals: [...additional, ...optional],
    });
  const full = build(outcome.answers, outcome.additional, 0);
  if (full.length <= limit) return full;
  const short = build(outcome.answers, [], 0);
  return short.length <= limit ? short : build([], [], FLAG.truncated);
}
