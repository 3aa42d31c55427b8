import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { connect, type Socket } from "node:net";
import type { Logger } from "@heddle/std";
import type { StatsdConfig } from "../config/stats-sinks.ts";
import type { SocketAddress } from "../transport/address.ts";

/** Sends lines to a StatsD server; what does not arrive is lost. */
export interface StatsdSink {
  send(lines: readonly string[]): void;
  close(): void;
}

/** Where a cluster's server is now. */
export interface StatsdHost {
  readonly address: SocketAddress;
  /** The cluster asks for TLS. */
  readonly secure: boolean;
}

/** @param hostOf An endpoint of a cluster; undefined: it has none. */
export function createStatsdSink(
  { to, datagramBytes }: StatsdConfig,
  log: Logger,
  hostOf: (cluster: string) => StatsdHost | undefined,
): StatsdSink {
  return to.kind === "udp"
    ? new Datagrams(to.address, datagramBytes, log)
    : new Stream(() => hostOf(to.cluster), to.cluster, log);
}

class Datagrams implements StatsdSink {
  readonly #address: SocketAddress;
  readonly #most: number;
  readonly #socket: UdpSocket;

  constructor(address: SocketAddress, most: number, log: Logger) {
    this.#address = address;
    this.#most = most;
    this.#socket = createSocket(address.ip.includes(":") ? "udp6" : "udp4");
    this.#socket.unref();
    this.#socket.on("error", (error) => log.debug("statistics did not reach StatsD", { error: error.message }));
  }

  send(lines: readonly string[]): void {
    let waiting = "";
    for (const line of lines) {
      if (waiting !== "" && waiting.length + 1 + line.length > this.#most) {
        this.#write(waiting);
        waiting = "";
      }
      waiting = waiting === "" ? line : `${waiting}\n${line}`;
    }
    if (waiting !== "") this.#write(waiting);
  }

  #write(text: string): void {
    this.#socket.send(text, this.#address.port, this.#address.ip);
  }

  close(): void {
    this.#socket.close();
  }
}

/** A server that does not read must not fill the memory. Units: bytes. */
const MOST_WAITING = 1024 * 1024;

class Stream implements StatsdSink {
  readonly #find: () => StatsdHost | undefined;
  readonly #cluster: string;
  readonly #log: Logger;
  #socket: Socket | undefined;
  #warned = false;

  constructor(find: () => StatsdHost | undefined, cluster: string, log: Logger) {
    this.#find = find;
    this.#cluster = cluster;
    this.#log = log;
  }

  send(lines: readonly string[]): void {
    if (lines.length === 0) return;
    this.#socket ??= this.#open();
    if (this.#socket === undefined || this.#socket.writableLength > MOST_WAITING) return;
    this.#socket.write(`${lines.join("\n")}\n`);
  }

  #open(): Socket | undefined {
    const host = this.#find();
    if (host?.secure === true) {
      if (!this.#warned)
        this.#log.error("the cluster of StatsD has TLS, which is not spoken to it; no statistics are sent", {
          cluster: this.#cluster,
        });
      this.#warned = true;
      return undefined;
    }
    if (host === undefined) {
      this.#log.debug("the cluster of StatsD has no endpoint; statistics are lost", { cluster: this.#cluster });
      return undefined;
    }
    const { ip, port } = host.address;
    const socket = connect({ host: ip, port });
    socket.on("error", (error) => this.#log.debug("statistics did not reach StatsD", { error: error.message }));
    socket.on("close", () => {
      if (this.#socket === socket) this.#socket = undefined;
    });
    socket.unref();
    return socket;
  }

  close(): void {
    this.#socket?.destroy();
  }
}
