import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer, TLSSocket } from "node:tls";
import type { Logger } from "@heddle/std";
import { requestUrl } from "@heddle/std/request-url";
import { type FrontProxy, maySpeak, remoteUser } from "./front-proxy.ts";
import type { ServingCertificate } from "./serving-certificate.ts";
import { statusDocument } from "./tap-documents.ts";
import type { createTapHandler, TapSink } from "./tap-handler.ts";

export interface TapServerDeps {
  readonly frontProxy: FrontProxy;
  readonly certificate: ServingCertificate;
  readonly handle: ReturnType<typeof createTapHandler>;
  readonly log: Logger;
}

export interface TapServer {
  /** Gives the port. Errors: EADDRINUSE and the like. */
  listen(port: number): Promise<number>;
  close(): Promise<void>;
}

/** Keeps what is between from ending a quiet stream. Units: ms. */
const BEAT_MS = 5000;
/** A reader that is so far behind loses events. Units: bytes. */
const MAX_BEHIND = 1024 * 1024;

/** The HTTPS server that only the API server can use: its certificate must be one of the front proxy's CA, under a name that may speak. */
export function createTapServer({ frontProxy, certificate, handle, log }: TapServerDeps): TapServer {
  const open = new Set<TLSSocket>();
  const web = createServer((request, response) => {
    void answer(request, response).catch((error: unknown) => {
      log.error("a question failed", { path: request.url ?? "", error: String(error) });
      if (response.headersSent) response.end();
      else send(response, 503, statusDocument(503, `the cluster can't be asked: ${String(error)}`));
    });
  });
  const secure = createTlsServer(
    {
      key: certificate.keyPem,
      cert: certificate.certPem,
      ca: frontProxy.caPem,
      requestCert: true,
      // Whoever has none may read what the group is, as the cluster's own probes do.
      rejectUnauthorized: false,
      ALPNProtocols: ["http/1.1"],
    },
    (socket) => {
      open.add(socket);
      socket.on("close", () => open.delete(socket));
      socket.on("error", () => socket.destroy());
      // The HTTP server on a socket of node:tls: its own HTTPS server does not show the peer's certificate on this runtime.
      web.emit("connection", socket);
    },
  );
  secure.on("tlsClientError", (error) => log.debug("a client did not finish its handshake", { error: error.message }));

  function userOf(request: IncomingMessage) {
    const { socket } = request;
    if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
    const name = socket.getPeerCertificate().subject?.CN;
    if (!maySpeak(frontProxy, Array.isArray(name) ? (name[0] ?? "") : (name ?? ""))) return undefined;
    return remoteUser(frontProxy, request.rawHeaders);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = requestUrl(request.url ?? "/");
    const found = await handle(url.pathname.replace(/(?<=.)\/$/, ""), url.searchParams, userOf(request));
    if (found.kind === "document") return send(response, found.status, found.body);
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    response.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
    response.write("\n");
    const beat = setInterval(() => response.write("\n"), BEAT_MS);
    try {
      await found.run(sinkOf(response, gone.signal));
    } finally {
      clearInterval(beat);
      response.end();
    }
  }

  return {
    listen: (port) =>
      new Promise((resolve, reject) => {
        secure.once("error", reject);
        secure.listen(port, "0.0.0.0", () => {
          const bound = secure.address();
          resolve(typeof bound === "object" && bound !== null ? bound.port : port);
        });
      }),
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise<void>((done) => secure.close(() => done()));
    },
  };
}

function sinkOf(response: ServerResponse, signal: AbortSignal): TapSink {
  let dropped = 0;
  return {
    signal,
    line(value) {
      if (signal.aborted) return;
      if (response.writableLength > MAX_BEHIND) {
        dropped++;
        return;
      }
      if (dropped > 0) response.write(`${JSON.stringify({ dropped })}\n`);
      dropped = 0;
      response.write(`${JSON.stringify(value)}\n`);
    },
  };
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}
