import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { createServer, isIPv6, type Server, type Socket } from "node:net";
import type { Logger } from "@heddle/std";

export type Transport = "udp" | "tcp";

/** Turns one query packet into one answer packet. */
export interface Responder {
  /** `undefined` for bytes that are no query. Never rejects. */
  respond(query: Uint8Array, transport: Transport): Promise<Uint8Array | undefined>;
}

/** DNS over UDP and TCP at one address. */
export interface DnsServer {
  /** Errors: rejects when the address can't be bound. */
  start(): Promise<void>;
  /** The port in use, where any was asked for. */
  readonly port: number;
  close(): Promise<void>;
}

export interface DnsServerOptions {
  readonly address: string;
  /** 0 takes any. Default: 53. */
  readonly port?: number;
  readonly responder: Responder;
  readonly log: Logger;
}

const TCP_IDLE_MS = 10_000;
const MAX_TCP_CLIENTS = 256;
/** To find one port that is free for both. */
const ATTEMPTS = 5;

class UdpTcpServer implements DnsServer {
  readonly #options: DnsServerOptions;
  #udp: UdpSocket | undefined;
  #tcp: Server | undefined;
  #bound: number | undefined;
  readonly #clients = new Set<Socket>();

  constructor(options: DnsServerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    for (let left = this.#options.port === 0 ? ATTEMPTS : 1; ; left--) {
      await this.#startTcp();
      try {
        return await this.#startUdp();
      } catch (error) {
        await this.close();
        this.#bound = undefined;
        // Any port will do, and this one is taken for datagrams.
        if (left <= 1) throw error;
      }
    }
  }

  get port(): number {
    return this.#port();
  }

  /** UDP has the port that TCP got. */
  #port(): number {
    return this.#bound ?? this.#options.port ?? 53;
  }

  #startUdp(): Promise<void> {
    const udp = createSocket({ type: isIPv6(this.#options.address) ? "udp6" : "udp4", ipv6Only: true });
    this.#udp = udp;
    udp.on("message", (query, from) => {
      void this.#options.responder.respond(query, "udp").then((answer) => {
        if (answer !== undefined && this.#udp !== undefined) udp.send(answer, from.port, from.address, () => undefined);
      }, this.#report);
    });
    return new Promise((resolve, reject) => {
      udp.once("error", reject);
      udp.bind(this.#port(), this.#options.address, () => {
        udp.off("error", reject);
        udp.on("error", this.#report);
        resolve();
      });
    });
  }

  #startTcp(): Promise<void> {
    const tcp = createServer((socket) => this.#serve(socket));
    tcp.maxConnections = MAX_TCP_CLIENTS;
    this.#tcp = tcp;
    return new Promise((resolve, reject) => {
      tcp.once("error", reject);
      tcp.listen({ port: this.#port(), host: this.#options.address, ipv6Only: true }, () => {
        const address = tcp.address();
        this.#bound = typeof address === "object" ? address?.port : undefined;
        tcp.off("error", reject);
        tcp.on("error", this.#report);
        resolve();
      });
    });
  }

  #serve(socket: Socket): void {
    this.#clients.add(socket);
    socket.setTimeout(TCP_IDLE_MS, () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#clients.delete(socket));
    let received = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const query = received.subarray(2, end);
        received = received.subarray(end);
        void this.#options.responder.respond(query, "tcp").then((answer) => {
          if (answer === undefined) return socket.destroy();
          return socket.write(Buffer.concat([Buffer.from([answer.length >> 8, answer.length & 0xff]), answer]));
        }, this.#report);
      }
    });
  }

  readonly #report = (error: unknown): void => {
    this.#options.log.warn("DNS question failed", { error: String(error) });
  };

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    const udp = this.#udp;
    const tcp = this.#tcp;
    this.#udp = undefined;
    this.#tcp = undefined;
    await Promise.all([
      udp === undefined ? undefined : new Promise<void>((resolve) => udp.close(() => resolve())),
      tcp === undefined ? undefined : new Promise<void>((resolve) => tcp.close(() => resolve())),
    ]);
  }
}

export function createDnsServer(options: DnsServerOptions): DnsServer {
  return new UdpTcpServer(options);
}
