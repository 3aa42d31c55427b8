import { rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import https from "node:https";
import type { Duplex } from "node:stream";
import type { ClusterPki } from "../pki/cluster-pki.ts";

export interface ListenAddress {
  readonly unixSocket?: string;
  /** Default: 127.0.0.1 */
  readonly host?: string;
  readonly port?: number;
}

export interface HttpsServers {
  /** Ports that were bound, in the order of the addresses; 0 for unix sockets. Errors: EADDRINUSE and the like. */
  start(addresses: readonly ListenAddress[]): Promise<readonly number[]>;
  close(): Promise<void>;
}

export interface HttpsServersDeps {
  readonly pki: ClusterPki;
  onRequest(request: IncomingMessage, response: ServerResponse): void;
  onUpgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): void;
}

/** Longer than the longest watch is quiet. */
const KEEP_ALIVE_MS = 180_000;

/** TLS HTTP/1.1 servers on several addresses with one handler. */
export function createHttpsServers(deps: HttpsServersDeps): HttpsServers {
  const servers: https.Server[] = [];
  const paths: string[] = [];

  async function listen(address: ListenAddress): Promise<number> {
    const server = https.createServer(
      {
        key: deps.pki.servingKeyPem,
        cert: deps.pki.servingCertPem,
        ALPNProtocols: ["http/1.1"],
        keepAliveTimeout: KEEP_ALIVE_MS,
        requestTimeout: 0,
      },
      deps.onRequest,
    );
    server.timeout = 0;
    server.on("upgrade", deps.onUpgrade);
    servers.push(server);
    if (address.unixSocket !== undefined) {
      await rm(address.unixSocket, { force: true });
      paths.push(address.unixSocket);
    }
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      const done = () => {
        server.removeListener("error", reject);
        const bound = server.address();
        resolve(typeof bound === "object" && bound !== null ? bound.port : 0);
      };
      if (address.unixSocket !== undefined) server.listen(address.unixSocket, done);
      else server.listen(address.port ?? 0, address.host ?? "127.0.0.1", done);
    });
  }

  return {
    async start(addresses) {
      const ports: number[] = [];
      for (const address of addresses) ports.push(await listen(address));
      return ports;
    },
    async close() {
      for (const server of servers.splice(0)) {
        server.closeAllConnections();
        server.close();
      }
      for (const path of paths.splice(0)) await rm(path, { force: true });
    },
  };
}
