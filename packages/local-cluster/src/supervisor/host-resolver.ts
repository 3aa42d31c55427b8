import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { connect } from "node:net";

/** Asks the resolvers of the host on behalf of the cluster, whose own network leads nowhere else. */
export interface HostResolver {
  /** Answer packet, or `undefined` when no resolver answered in time. Never rejects. */
  resolve(query: Uint8Array): Promise<Uint8Array | undefined>;
}

const ANSWER_MS = 1200;
/** A resolver that did not answer is left alone for a while, so that one dead resolver costs one wait, not one per question. */
const REST_MS = 15_000;
const TRUNCATED = 0x02;
const MAX_SERVERS = 3;

export function createHostResolver(
  readConfig: () => string = readResolvConf,
  now: () => number = performance.now.bind(performance),
): HostResolver {
  const restingUntil = new Map<string, number>();
  return {
    resolve: async (query) => {
      for (const server of nameservers(readConfig())) {
        if ((restingUntil.get(server) ?? 0) > now()) continue;
        const answer = await askUdp(server, query);
        if (answer === undefined) {
          restingUntil.set(server, now() + REST_MS);
          continue;
        }
        const truncated = ((answer[2] ?? 0) & TRUNCATED) !== 0;
        return truncated ? ((await askTcp(server, query)) ?? answer) : answer;
      }
      return undefined;
    },
  };
}

function readResolvConf(): string {
  try {
    return readFileSync("/etc/resolv.conf", "utf8");
  } catch {
    return "";
  }
}

/** The resolvers that resolv.conf(5) names, at most three. */
export function nameservers(config: string): readonly string[] {
  return [...config.matchAll(/^\s*nameserver\s+(\S+)/gm)].flatMap(([, server]) => server ?? []).slice(0, MAX_SERVERS);
}

function askUdp(server: string, query: Uint8Array): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(server.includes(":") ? "udp6" : "udp4");
    let done = false;
    const finish = (answer: Uint8Array | undefined) => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => finish(undefined), ANSWER_MS);
    socket.on("error", () => finish(undefined));
    socket.on("message", (message, from) => {
      if (from.address === server && message[0] === query[0] && message[1] === query[1]) finish(message);
    });
    socket.send(query, 53, server, (error) => {
      if (error) finish(undefined);
    });
  });
}

function askTcp(server: string, query: Uint8Array): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: server, port: 53 });
    let received = Buffer.alloc(0);
    const finish = (answer: Uint8Array | undefined) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => finish(undefined), ANSWER_MS);
    socket.on("error", () => finish(undefined));
    socket.on("close", () => finish(undefined));
    socket.on("connect", () =>
      socket.write(Buffer.concat([Buffer.from([query.length >> 8, query.length & 0xff]), query])),
    );
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        finish(received.subarray(2, 2 + received.readUInt16BE(0)));
      }
    });
  });
}
