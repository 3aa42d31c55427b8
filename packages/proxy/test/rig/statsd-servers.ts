import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { WorkloadFiles } from "./workloads.ts";

/** StatsD servers of each kind, with the lines that each got. */
export interface StatsdServers {
  readonly ports: Readonly<Record<StatsdKind, number>>;
  readonly lines: Readonly<Record<StatsdKind, readonly string[]>>;
  close(): void;
}

export type StatsdKind = "udp" | "dog" | "tcp" | "tls";

/** Datagrams with and without tags, streams with and without mutual TLS. */
export async function startStatsdServers(own: WorkloadFiles): Promise<StatsdServers> {
  const lines: Record<StatsdKind, string[]> = { udp: [], dog: [], tcp: [], tls: [] };
  const closing: (() => void)[] = [];
  const datagrams = async (into: string[]): Promise<number> => {
    // A flush is hundreds of datagrams; those that come while this process stands still must have room.
    const socket = createSocket({ type: "udp4", recvBufferSize: 8 << 20 });
    socket.on("message", (text) => void into.push(...String(text).split("\n")));
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    closing.push(() => socket.close());
    return socket.address().port;
  };
  const take = (into: string[]) => (socket: Socket) => {
    let rest = "";
    closing.push(() => socket.destroy());
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      const parts = (rest + chunk.toString()).split("\n");
      rest = parts.pop() ?? "";
      into.push(...parts);
    });
  };
  const stream = async (server: Server): Promise<number> => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    closing.push(() => server.close());
    const at = server.address();
    return typeof at === "object" && at !== null ? at.port : 0;
  };
  const tls = {
    cert: readFileSync(own.chain),
    key: readFileSync(own.key),
    ca: readFileSync(own.root),
    requestCert: true,
    rejectUnauthorized: true,
  };
  const ports = {
    udp: await datagrams(lines.udp),
    dog: await datagrams(lines.dog),
    tcp: await stream(createServer(take(lines.tcp))),
    tls: await stream(createTlsServer(tls, take(lines.tls))),
  };
  const close = () => {
    for (const end of closing) end();
  };
  return { ports, lines, close };
}
