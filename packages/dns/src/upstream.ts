import { createSocket } from "node:dgram";
import { connect, isIP, isIPv6 } from "node:net";
import type { Clock } from "@heddle/std";
import type { Transport } from "./dns-server.ts";

/** A server that answers what the mesh does not know. */
export interface NameServer {
  readonly ip: string;
  readonly port: number;
}

export interface Upstream {
  /** The answer as it came, or undefined when no server had one. Never rejects. */
  resolve(query: Uint8Array, transport: Transport): Promise<Uint8Array | undefined>;
}

/** Told of each question to a server, for metrics. */
export interface UpstreamEvents {
  onAsked(): void;
  /** @param tookMs Units: ms. */
  onAnswered(tookMs: number): void;
  onFailed(): void;
}

export interface UpstreamDeps {
  /** In the order in which they are asked; asked anew at each question, so that the configuration may change. */
  readonly servers: () => readonly NameServer[];
  readonly clock: Clock;
  readonly events: UpstreamEvents;
}

/** Clients give up after five seconds (resolv.conf `timeout`). Units: ms. */
const TOTAL_MS = 4800;
const ROUNDS = 2;
const MAX_ATTEMPT_MS = 2000;
const HEADER_BYTES = 12;
const SERVFAIL = 2;
const REFUSED = 5;
/** Each question holds a socket while it waits: a flood of names that nobody answers must not take them all. */
const MAX_PENDING = 1000;

/** `10.0.0.1`, `10.0.0.1:5353`, `[fd00::1]:53`, `fd00::1`. Errors: undefined. */
export function parseNameServer(text: string): NameServer | undefined {
  if (isIP(text) !== 0) return { ip: text, port: 53 };
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const ip = match?.[1] ?? match?.[2] ?? "";
  const port = Number(match?.[3]);
  return isIP(ip) !== 0 && port > 0 && port <= 65_535 ? { ip, port } : undefined;
}

class Forwarder implements Upstream {
  readonly #deps: UpstreamDeps;
  #pending = 0;

  constructor(deps: UpstreamDeps) {
    this.#deps = deps;
  }

  async resolve(query: Uint8Array, transport: Transport): Promise<Uint8Array | undefined> {
    if (query.length < HEADER_BYTES) return undefined;
    if (this.#pending >= MAX_PENDING) {
      this.#deps.events.onFailed();
      return undefined;
    }
    this.#pending++;
    try {
      return await this.#askAll(query, transport);
    } finally {
      this.#pending--;
    }
  }

  async #askAll(query: Uint8Array, transport: Transport): Promise<Uint8Array | undefined> {
    const { clock, events } = this.#deps;
    const servers = this.#deps.servers();
    const attemptMs = Math.min(MAX_ATTEMPT_MS, TOTAL_MS / Math.max(1, ROUNDS * servers.length));
    const ask = transport === "tcp" ? askByTcp : askByUdp;
    let last: Uint8Array | undefined;
    for (let round = 0; round < ROUNDS; round++) {
      for (const server of servers) {
        const began = clock.monotonic();
        events.onAsked();
        const answer = await ask(server, query, attemptMs, clock);
        if (answer === undefined) {
          events.onFailed();
          continue;
        }
        events.onAnswered(clock.monotonic() - began);
        const rcode = (answer[3] ?? 0) & 15;
        if (rcode !== SERVFAIL && rcode !== REFUSED) return answer;
        // Another server may do better.
        last = answer;
      }
      if (last !== undefined) return last;
    }
    return undefined;
  }
}

/** Whether bytes answer the query: same id, an answer, same question. */
function answers(query: Uint8Array, answer: Uint8Array): boolean {
  if (answer.length < HEADER_BYTES || answer[0] !== query[0] || answer[1] !== query[1]) return false;
  if (((answer[2] ?? 0) & 0x80) === 0) return false;
  // A server that failed may leave the question out.
  if (answer[4] === 0 && answer[5] === 0) return true;
  for (let i = HEADER_BYTES; i < query.length && query[i] !== 0; i++) {
    if (lower(query[i] ?? 0) !== lower(answer[i] ?? 0)) return false;
  }
  return true;
}

function lower(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}

type Ask = (server: NameServer, query: Uint8Array, timeoutMs: number, clock: Clock) => Promise<Uint8Array | undefined>;

const askByUdp: Ask = (server, query, timeoutMs, clock) =>
  new Promise((resolve) => {
    // A socket of its own for each question: its port is hard to guess, and only the server asked can answer.
    const socket = createSocket(isIPv6(server.ip) ? "udp6" : "udp4");
    const done = (answer: Uint8Array | undefined) => {
      timer.cancel();
      socket.removeAllListeners();
      socket.on("error", () => undefined);
      socket.close();
      resolve(answer);
    };
    const timer = clock.after(timeoutMs, () => done(undefined));
    socket.on("error", () => done(undefined));
    socket.on("message", (answer) => {
      if (answers(query, answer)) done(answer);
    });
    // Connected: the kernel drops what strangers send, and tells at once of a port where nobody listens.
    socket.connect(server.port, server.ip, () => {
      socket.send(query, (error) => {
        if (error) done(undefined);
      });
    });
  });

const askByTcp: Ask = (server, query, timeoutMs, clock) =>
  new Promise((resolve) => {
    const socket = connect({ host: server.ip, port: server.port });
    let received = Buffer.alloc(0);
    const done = (answer: Uint8Array | undefined) => {
      timer.cancel();
      socket.destroy();
      resolve(answer);
    };
    const timer = clock.after(timeoutMs, () => done(undefined));
    socket.on("error", () => done(undefined));
    socket.on("close", () => done(undefined));
    socket.on("connect", () =>
      socket.write(Buffer.concat([Buffer.from([query.length >> 8, query.length & 255]), query])),
    );
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const answer = received.subarray(2, 2 + received.readUInt16BE(0));
      done(answers(query, answer) ? answer : undefined);
    });
  });

export function createUpstream(deps: UpstreamDeps): Upstream {
  return new Forwarder(deps);
}
