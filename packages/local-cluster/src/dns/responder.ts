import { encodeAnswer, type Outcome, type Query, RCODE, type Responder, readQuery, type Transport } from "@heddle/dns";
import { type Answer, decode, encode, type Question } from "dns-packet";
import type { ClusterNetworkPlan } from "../contract/index.ts";
import { lookUp, TTL_SECONDS, type ZoneData } from "./cluster-zone.ts";
import { type StubDomain, type Upstream, upstreamFor } from "./upstream.ts";

export interface ResponderDeps {
  readonly plan: ClusterNetworkPlan;
  readonly data: ZoneData;
  readonly upstream: Upstream;
  /** Asked at each question, so that configuration can change. */
  readonly stubDomains: () => readonly StubDomain[];
  /** 0 ≤ random() < 1; answers are turned by it so that clients that take the first spread. */
  readonly random: () => number;
}

const RECURSION_DESIRED = 1 << 8;
const MAX_ALIASES = 8;

type Found = Omit<Outcome, "authorities">;

class ClusterResponder implements Responder {
  readonly #deps: ResponderDeps;

  constructor(deps: ResponderDeps) {
    this.#deps = deps;
  }

  async respond(query: Uint8Array, transport: Transport): Promise<Uint8Array | undefined> {
    const packet = readQuery(query);
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
    return encodeAnswer(packet, { ...outcome, authorities: this.#negative(outcome) }, transport);
  }

  #upstream(name: string): Upstream {
    return upstreamFor(name, this.#deps.stubDomains(), this.#deps.upstream);
  }

  /** Follows aliases, inside the cluster first, then outside. */
  async #answer(question: Question): Promise<Found> {
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
    const query = encode({ type: "query", id, flags: RECURSION_DESIRED, questions: [{ ...question, name }] });
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
  #negative(outcome: Found): readonly Answer[] {
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

function failure(query: Query, rcode: number): Uint8Array {
  const nothing = { rcode, authoritative: false, answers: [], additional: [] };
  return encodeAnswer(query, { ...nothing, authorities: [] }, "udp");
}

export function createResponder(deps: ResponderDeps): Responder {
  return new ClusterResponder(deps);
}
