import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Counters } from "./counters.ts";
import { log } from "./program.ts";
import { traceOf } from "./trace-headers.ts";
import type { ApiAnswer, WebApi } from "./web-api.ts";
import type { Page } from "./web-page.ts";

export interface WebServer {
  /** Resolves with the bound port. Errors: rejects when it is taken. */
  start(port: number): Promise<number>;
  close(): Promise<void>;
}

export interface WebServerDeps {
  readonly api: WebApi;
  readonly page: Page;
  readonly counters: Counters;
}

const JSON_TYPE = "application/json; charset=UTF-8";
const DRAIN_MS = 2000;

export function createWebServer(deps: WebServerDeps): WebServer {
  const server = createServer((request, response) => {
    void answer(deps, request, response).catch((error: unknown) => {
      log(`Error serving request [${request.method} ${request.url}]: ${String(error)}`);
      response.destroy();
    });
  });
  return {
    start: (port) =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, "0.0.0.0", () => {
          const bound = server.address();
          resolve(typeof bound === "object" && bound !== null ? bound.port : port);
        });
      }),
    close: () =>
      new Promise((resolve) => {
        const timer = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

async function answer(deps: WebServerDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { page, api } = deps;
  const url = new URL(request.url ?? "/", "http://web");
  const trace = traceOf(request.headers);
  const count = (path: string) =>
    deps.counters.count("emojivoto_web_requests_total", "HTTP requests that were answered.", {
      path,
      code: String(response.statusCode),
    });
  switch (url.pathname) {
    case "/api/list":
      send(request, response, await api.list(trace));
      return count("/api/list");
    case "/api/vote":
      send(request, response, await api.vote(url.searchParams.get("choice") ?? "", trace));
      return count("/api/vote");
    case "/api/leaderboard":
      send(request, response, await api.leaderboard(trace));
      return count("/api/leaderboard");
    case "/js":
    case "/dist/index_bundle.js":
      sendText(response, 200, "text/javascript; charset=utf-8", page.script);
      break;
    case "/dist/style.css":
      sendText(response, 200, "text/css; charset=utf-8", page.style);
      break;
    case "/img/favicon.ico":
      sendText(response, 200, "image/svg+xml", page.icon);
      break;
    default:
      // As the original: every other path is the page, and its script shows what belongs there.
      if (url.pathname.startsWith("/dist/"))
        sendText(response, 404, "text/plain; charset=utf-8", "404 page not found\n");
      else sendText(response, 200, "text/html", page.html);
  }
  count("other");
}

function send(request: IncomingMessage, response: ServerResponse, { status, body }: ApiAnswer): void {
  if (status >= 400) log(`Error serving request [${request.method} ${request.url}]: ${JSON.stringify(body)}`);
  if (body === undefined) response.writeHead(status, { "content-length": 0 }).end();
  else sendText(response, status, JSON_TYPE, `${JSON.stringify(body)}\n`);
}

function sendText(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(text) }).end(text);
}
