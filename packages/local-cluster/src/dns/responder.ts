import { type Answer, decode, encode, type Packet, type Question } from "dns-packet";
import type { ClusterNetworkPlan } from "../contract/index.ts";
import { lookUp, TTL_SECONDS, type ZoneData } from "./cluster-zone.ts";
import { type StubDomain, type Upstream, upstreamFor } from "./upstream.ts";

export type Transport = "udp" | "tcp";

/** Turns one query packet into one answer packet. */
export interface Responder {
  /** `undefined` for bytes that are no query. Never rejects. */
  respond(query: Uint8Array, transport: Transport): Promise<Uint8Array | undefined>;
}

export interface ResponderDeps {
  readonly plan: ClusterNetworkPlan;
  readonly data: ZoneData;
  readonly upstream: Upstream;
  /** Asked at each question, so that configuration can change. */
  readonly stubDomains: () => readonly StubDomain[];
  /** 0 ≤ random() < 1; answers are turned by it so that clients that take the first spread. */
  readonly random: () => number;
}

const FLAG = {
  authoritative: 1 << 10,
  truncated: 1 << 9,
  recursionDesired: 1 << 8,
  recursionAvailable: 1 << 7,
} as const;
const RCODE = { ok: 0, formatError: 1, serverFailure: 2, missing: 3, notImplemented: 4 } as const;
/** Without EDNS a datagram answer has at most this. */
const PLAIN_UDP_BYTES = 512;
const STREAM_BYTES = 65_535;
const MAX_ALIASES = 8;

interface Outcome {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly answers: readonly Answer[];
  readonly additional: readonly Answer[];
}

class ClusterResponder implements Responder {
  readonly #deps: ResponderDeps;

  constructor(deps: ResponderDeps) {
    this.#deps = deps;
  }

  async respond(query: Uint8Array, transport: Transport): Promise<Uint8Array | undefined> {
    const packet = decodeQuery(query);
    if (packet === undefined) return undefined;
    const [question] = packet.questions ?? [];
    if (packet.opcode !== undefined && packet.opcode !== "QUERY") return failure(packet, RCODE.notImplemented);
    if (question === undefined || packet.questions?.length !== 1) return failure(packet, RCODE.formatError);
    const own = lookUp(this.#deps.plan, this.#deps.data, question.name, question.type);
    if (own.kind === "foreign") {
      const answer = await this.#upstream(question.name).resolve(query);
      return answer ?? failure(packet, question.name.includes(".") ? RCODE.serverFailure : RCODE.missing);
    }
    const outcome = await this.#answer(question);
    return pack(packet, outcome, this.#negative(outcome), transport);
  }

  #upstream(name: string): Upstream {
    return upstreamFor(name, this.#deps.stubDomains(), this.#deps.upstream);
  }

  /** Follows aliases, inside the cluster first, then outside. */
  async #answer(question: Question): Promise<Outcome> {
    const answers: Answer[] = [];
    let { name } = question;
    for (let hop = 0; hop < MAX_ALIASES; hop++) {
      const found = lookUp(this.#deps.plan, this.#deps.data, name, question.type);
      switch (found.kind) {
        case "known":
          answers.push(...this.#turned(found.answers));
          return { rcode: RCODE.ok, authoritative: true, answers, additional: found.additional ?? [] };
        case "missing":
          return { rcode: answers.length > 0 ? RCODE.ok : RCODE.missing, authoritative: true, answers, additional: [] };
        case "foreign":
          answers.push(...(await this.#askOutside(name, question)));
          return { rcode: RCODE.ok, authoritative: true, answers, additional: [] };
        case "alias":
          answers.push({ type: "CNAME", name, ttl: TTL_SECONDS, data: found.target });
          if (question.type === "CNAME") return { rcode: RCODE.ok, authoritative: true, answers, additional: [] };
          name = found.target;
      }
    }
    return { rcode: RCODE.serverFailure, authoritative: true, answers: [], additional: [] };
  }

  async #askOutside(name: string, question: Question): Promise<readonly Answer[]> {
    const id = Math.floor(this.#deps.random() * 0xffff);
    const query = encode({ type: "query", id, flags: FLAG.recursionDesired, questions: [{ ...question, name }] });
    const answer = await this.#upstream(name).resolve(query);
    if (answer === undefined) return [];
    try {
      return decode(Buffer.from(answer)).answers ?? [];
    } catch {
      return [];
    }
  }

  #turned(answers: readonly Answer[]): readonly Answer[] {
    const shift = Math.floor(this.#deps.random() * answers.length);
    return [...answers.slice(shift), ...answers.slice(0, shift)];
  }

  /** The authority record that lets a client remember "no such name" or "no such type" for a moment. */
  #negative(outcome: Outcome): readonly Answer[] {
    if (outcome.answers.length > 0 || outcome.rcode === RCODE.serverFailure) return [];
    const domain = this.#deps.plan.clusterDomain;
    const times = { serial: 1, refresh: 7200, retry: 1800, expire: 86_400, minimum: TTL_SECONDS };
    return [
      {
        type: "SOA",
        name: domain,
        ttl: TTL_SECONDS,
        data: { mname: `ns.dns.${domain}`, rname: `hostmaster.${domain}`, ...times },
      },
    ];
  }
}

type QueryPacket = Packet & { readonly opcode?: string };

function decodeQuery(bytes: Uint8Array): QueryPacket | undefined {
  try {
    const packet: QueryPacket = decode(Buffer.from(bytes));
    return packet.type === "query" ? packet : undefined;
  } catch {
    return undefined;
  }
}

function failure(query: QueryPacket, rcode: number): Uint8Array {
  return pack(query, { rcode, authoritative: false, answers: [], additional: [] }, [], "udp");
}

function pack(query: QueryPacket, outcome: Outcome, authorities: readonly Answer[], transport: Transport): Uint8Array {
  const edns = query.additionals?.find((record) => record.type === "OPT");
  const datagram = edns === undefined ? PLAIN_UDP_BYTES : Math.max(PLAIN_UDP_BYTES, edns.udpPayloadSize);
  const limit = transport === "udp" ? datagram : STREAM_BYTES;
  const flags =
    ((query.flags ?? 0) & FLAG.recursionDesired) |
    FLAG.recursionAvailable |
    (outcome.authoritative ? FLAG.authoritative : 0) |
    outcome.rcode;
  const optional: Answer[] =
    edns === undefined ? [] : [{ ...edns, udpPayloadSize: 1232, extendedRcode: 0, options: [] }];
  const build = (answers: readonly Answer[], additional: readonly Answer[], extraFlags: number) =>
    encode({
      type: "response",
      id: query.id ?? 0,
      flags: flags | extraFlags,
      questions: query.questions ?? [],
      answers: [...answers],
      authorities: [...authorities],
      additionals: [...additional, ...optional],
    });
  const full = build(outcome.answers, outcome.additional, 0);
  if (full.length <= limit) return full;
  const short = build(outcome.answers, [], 0);
  return short.length <= limit ? short : build([], [], FLAG.truncated);
}

export function createResponder(deps: ResponderDeps): Responder {
  return new ClusterResponder(deps);
}
