import { createSocket, type Socket as UdpSocket } from "node:dgram";
import type { Logger } from "@heddle/std";
import type { StatsdConfig } from "../config/stats-sinks.ts";
import type { SocketAddress } from "../transport/address.ts";
import type { Connection, ConnectionError, ConnectionHandler } from "../transport/connection.ts";
import type { Dial, DialOwner } from "../transport/dial.ts";
import type { Cluster } from "../upstream/cluster.ts";
import { ByteCount, countHandshake } from "../upstream/count-connection.ts";

/** Sends lines to a StatsD server; what does not arrive is lost. */
export interface StatsdSink {
  send(lines: readonly string[]): void;
  close(): void;
}

/** What a sink needs of a cluster. */
export type StatsdCluster = Pick<Cluster, "pick" | "dial" | "counters">;

/** @param clusterOf A cluster by its name; undefined: there is none. */
export function createStatsdSink(
  { to, datagramBytes }: StatsdConfig,
  log: Logger,
  clusterOf: (name: string) => StatsdCluster | undefined,
): StatsdSink {
  return to.kind === "udp"
    ? new Datagrams(to.address, datagramBytes, log)
    : new Stream(() => clusterOf(to.cluster), log.child("statsd", { cluster: to.cluster }));
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

/** One connection to a cluster's host, made when there is something to send, with the cluster's TLS. */
class Stream implements StatsdSink, DialOwner, ConnectionHandler {
  readonly #find: () => StatsdCluster | undefined;
  readonly #log: Logger;
  #cluster: StatsdCluster | undefined;
  #dial: Dial | undefined;
  #connection: Connection | undefined;
  #bytes: ByteCount | undefined;
  /** Lines for the connection that is being made. */
  #waiting: Uint8Array | undefined;
  #failing = false;

  constructor(find: () => StatsdCluster | undefined, log: Logger) {
    this.#find = find;
    this.#log = log;
  }

  send(lines: readonly string[]): void {
    if (lines.length === 0) return;
    const bytes = Buffer.from(`${lines.join("\n")}\n`);
    if (this.#connection !== undefined) {
      // A server that does not read must not fill the memory.
      if (this.#connection.writable) {
        this.#connection.write(bytes);
        this.#failing = false;
      } else this.#lost("the server does not read");
      this.#count();
      return;
    }
    this.#waiting = bytes;
    if (this.#dial === undefined) this.#open();
  }

  #open(): void {
    const cluster = this.#find();
    const host = cluster?.pick(undefined, [], 0);
    if (cluster === undefined || host === undefined) {
      if (cluster !== undefined) cluster.counters.noHealthyHost++;
      this.#lost(cluster === undefined ? "there is no such cluster" : "the cluster has no healthy endpoint");
      return;
    }
    this.#cluster = cluster;
    const dial = cluster.dial(host, undefined, this);
    if ("code" in dial) this.#lost(dial.cause);
    else this.#dial = dial;
  }

  onConnected(connection: Connection): void {
    this.#dial = undefined;
    this.#failing = false;
    this.#connection = connection;
    this.#bytes = new ByteCount(connection);
    connection.handler = this;
    if (connection.tls !== undefined && this.#cluster !== undefined)
      countHandshake(this.#cluster.counters, connection.tls);
    if (this.#waiting !== undefined) connection.write(this.#waiting);
    this.#waiting = undefined;
  }

  onConnectFailed(error: ConnectionError): void {
    this.#dial = undefined;
    this.#lost(error.message);
  }

  onData(): void {}
  onDrain(): void {}

  onEnd(): void {
    this.#connection?.close();
  }

  onClose(): void {
    this.#count();
    this.#connection = undefined;
  }

  close(): void {
    this.#dial?.cancel();
    this.#connection?.close();
  }

  #count(): void {
    if (this.#cluster !== undefined) this.#bytes?.addTo(this.#cluster.counters);
  }

  /** The next attempt comes with the next lines; one line of the log for all that fail in a row. */
  #lost(reason: string): void {
    this.#waiting = undefined;
    if (!this.#failing) this.#log.warn("statistics do not reach StatsD; they are lost until they do", { reason });
    this.#failing = true;
  }
}
