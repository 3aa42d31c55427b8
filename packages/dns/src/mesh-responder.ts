import { type Answer, decode, type Question } from "dns-packet";
import { encodeAnswer, type Outcome, type Query, RCODE, readQuery } from "./answer.ts";
import type { Responder, Transport } from "./dns-server.ts";
import type { KnownName, NameIndex } from "./name-index.ts";
import type { Upstream } from "./upstream.ts";

/** Told of what happens, for metrics. */
export interface MeshResponderEvents {
  onRequest(): void;
}

export interface MeshResponderDeps {
  /** Undefined where nobody else is asked: then unknown names are refused. */
  readonly upstream: Upstream | undefined;
  /** Names below these are the mesh's alone: what is unknown there does not exist. */
  readonly zones: readonly string[];
  /** 0 ≤ random() < 1; the order of answers is drawn with it. */
  readonly random: () => number;
  readonly events: MeshResponderEvents;
}

/** Answers from the newest index, and passes on what is not in it. */
export interface MeshResponder extends Responder {
  /** Before the first there are no own names, and everything is passed on. */
  setNames(index: NameIndex): void;
}

/** Source: istio pkg/dns/client/dns.go, defaultTTLInSeconds. Units: s. */
const TTL = 30;
/** Of "no such name" inside of a zone: a new ServiceEntry is to be found soon. Units: s. */
const NEGATIVE_TTL = 5;
const SERVICE_BINDING: readonly string[] = ["HTTPS", "SVCB", "UNKNOWN_64", "UNKNOWN_65"];

class TableResponder implements MeshResponder {
  readonly #deps: MeshResponderDeps;
  #names: NameIndex | undefined;

  constructor(deps: MeshResponderDeps) {
    this.#deps = deps;
  }

  setNames(index: NameIndex): void {
    this.#names = index;
  }

  async respond(bytes: Uint8Array, transport: Transport): Promise<Uint8Array | undefined> {
    const query = readQuery(bytes);
    if (query === undefined) return undefined;
    this.#deps.events.onRequest();
    const [question, ...more] = query.questions ?? [];
    if (query.opcode !== undefined && query.opcode !== "QUERY") return failure(query, RCODE.notImplemented, transport);
    if (question === undefined || more.length > 0) return failure(query, RCODE.formatError, transport);
    const known = this.#names?.lookUp(question.name);
    const zone = this.#zoneOf(question.name);
    if (known !== undefined) return this.#own(bytes, query, question, known, zone, transport);
    if (zone !== undefined) {
      const missing = { ...nothing(RCODE.missing), authorities: [startOfAuthority(zone)] };
      return encodeAnswer(query, missing, transport);
    }
    const { upstream } = this.#deps;
    if (upstream === undefined) return failure(query, RCODE.refused, transport);
    return (await upstream.resolve(bytes, transport)) ?? failure(query, RCODE.serverFailure, transport);
  }

  async #own(
    bytes: Uint8Array,
    query: Query,
    question: Question,
    known: KnownName,
    zone: string | undefined,
    transport: Transport,
  ): Promise<Uint8Array> {
    const authorities = [startOfAuthority(zone ?? known.name)];
    const type = String(question.type);
    if (type === "A" || type === "AAAA") {
      const addresses = this.#shuffled(type === "A" ? known.v4 : known.v6);
      const alias: Answer[] =
        known.name === question.name.toLowerCase()
          ? []
          : [{ type: "CNAME", name: question.name, ttl: TTL, data: known.name }];
      const name = alias.length > 0 ? known.name : question.name;
      const answers = [...alias, ...addresses.map((data): Answer => ({ type, name, ttl: TTL, data }))];
      const outcome = { ...nothing(RCODE.ok), answers, authorities: addresses.length > 0 ? [] : authorities };
      return encodeAnswer(query, outcome, transport);
    }
    const noData: Outcome = { ...nothing(RCODE.ok), authorities };
    const { upstream } = this.#deps;
    if (upstream === undefined || zone !== undefined || SERVICE_BINDING.includes(type))
      return encodeAnswer(query, noData, transport);
    const answer = await upstream.resolve(bytes, transport);
    // Who has an address exists, whatever others know of the name.
    if (answer === undefined || rcodeOf(answer) === RCODE.missing) return encodeAnswer(query, noData, transport);
    return answer;
  }

  #zoneOf(asked: string): string | undefined {
    const name = asked.toLowerCase();
    return this.#deps.zones.find((zone) => name === zone || name.endsWith(`.${zone}`));
  }

  #shuffled(addresses: readonly string[]): readonly string[] {
    const drawn = [...addresses];
    for (let i = drawn.length - 1; i > 0; i--) {
      const j = Math.floor(this.#deps.random() * (i + 1));
      const [a, b] = [drawn[i], drawn[j]];
      if (a !== undefined && b !== undefined) [drawn[i], drawn[j]] = [b, a];
    }
    return drawn;
  }
}

function nothing(rcode: number): Outcome {
  return { rcode, authoritative: true, answers: [], authorities: [], additional: [] };
}

function failure(query: Query, rcode: number, transport: Transport): Uint8Array {
  return encodeAnswer(query, { ...nothing(rcode), authoritative: false }, transport);
}

/** Lets a client remember for a moment that there is nothing. */
function startOfAuthority(zone: string): Answer {
  const times = { serial: 1, refresh: 7200, retry: 1800, expire: 86_400, minimum: NEGATIVE_TTL };
  return {
    type: "SOA",
    name: zone,
    ttl: NEGATIVE_TTL,
    data: { mname: `ns.mesh.${zone}`, rname: `hostmaster.mesh.${zone}`, ...times },
  };
}

function rcodeOf(answer: Uint8Array): number {
  try {
    return (decode(Buffer.from(answer)).flags ?? 0) & 15;
  } catch {
    return RCODE.serverFailure;
  }
}

export function createMeshResponder(deps: MeshResponderDeps): MeshResponder {
  return new TableResponder(deps);
}
