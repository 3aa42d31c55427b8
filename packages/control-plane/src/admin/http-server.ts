import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Logger } from "@heddle/std";
import { requestUrl } from "@heddle/std/request-url";
import type { ListenAddress } from "../options.ts";

export interface HttpAnswer {
  readonly status: number;
  /** Default: `text/plain; charset=utf-8`. */
  readonly type?: string;
  readonly body: string;
}

/** Answers a GET. `undefined`: nothing there. */
export type HttpHandler = (url: URL) => HttpAnswer | undefined | Promise<HttpAnswer | undefined>;

export interface AdminServer {
  listen(address: ListenAddress): Promise<number>;
  close(): void;
}

export function json(value: unknown): HttpAnswer {
  return { status: 200, type: "application/json", body: `${JSON.stringify(value, bigints, 2)}\n` };
}

export function text(body: string, status = 200): HttpAnswer {
  return { status, body };
}

function bigints(_key: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value);
  return typeof value === "bigint" ? Number(value) : value;
}

class Admin implements AdminServer {
  readonly #handler: HttpHandler;
  readonly #log: Logger;
  readonly #server: Server;

  constructor(handler: HttpHandler, log: Logger) {
    this.#handler = handler;
    this.#log = log;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  listen(address: ListenAddress): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(address.port, address.host, () => {
        this.#server.off("error", reject);
        const bound = this.#server.address();
        resolve(typeof bound === "object" && bound !== null ? bound.port : address.port);
      });
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: HttpAnswer | undefined;
    try {
      const url = requestUrl(request.url ?? "/");
      answer =
        request.method === "GET" || request.method === "HEAD"
          ? await this.#handler(url)
          : text("only GET is answered here\n", 405);
      answer ??= text(`nothing at ${url.pathname}; see /debug\n`, 404);
    } catch (error) {
      this.#log.error("answering an admin request failed", { path: request.url, error });
      answer = text("the control plane failed; see its log\n", 500);
    }
    const body = Buffer.from(answer.body);
    response.writeHead(answer.status, {
      "content-type": answer.type ?? "text/plain; charset=utf-8",
      "content-length": body.length,
    });
    response.end(request.method === "HEAD" ? undefined : body);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

export function createAdminServer(handler: HttpHandler, log: Logger): AdminServer {
  return new Admin(handler, log);
}
