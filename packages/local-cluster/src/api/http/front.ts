import type { IncomingMessage, ServerResponse } from "node:http";
import type { Authenticator } from "../auth/authenticator.ts";
import { badRequest, notAcceptable, statusOf } from "../errors/api-errors.ts";
import type { Actor } from "../write/write-request.ts";
import { negotiate } from "./accept.ts";
import { sendError } from "./answer.ts";
import { type Exchange, headersOf } from "./exchange.ts";
import { parseRequestPath, type RequestInfo } from "./request-info.ts";

export interface FrontDeps {
  readonly authenticator: Authenticator;
  /** Errors: 403. Returns the actor to go on with: the one impersonated, if any. */
  authorize(actor: Actor, request: Head): Actor;
  handle(exchange: Exchange): Promise<void>;
  /** Aborts when the server closes. */
  readonly closing: AbortSignal;
  onFailure(error: unknown, method: string, path: string): void;
}

/** The head of a request, understood. */
export interface Head {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly info: RequestInfo;
}

/** Errors: 400 for a path that cannot be decoded. */
export function readHead(request: IncomingMessage): Head {
  const target = request.url ?? "/";
  const question = target.indexOf("?");
  const path = question < 0 ? target : target.slice(0, question);
  const query = new URLSearchParams(question < 0 ? "" : target.slice(question + 1));
  try {
    return { method: request.method ?? "GET", path, query, headers: headersOf(request), info: parseRequestPath(path) };
  } catch {
    throw badRequest(`the path ${path} has a percent sign that starts no valid escape`);
  }
}

/** From bytes to an `Exchange`: authentication, authorization, then the handler; every failure becomes a `Status`. */
export function createFront(deps: FrontDeps): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    void serve(request, response);
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    let exchange: Exchange | undefined;
    try {
      const head = readHead(request);
      const form = negotiate(head.headers["accept"]);
      const base = { ...head, signal: AbortSignal.any([gone.signal, deps.closing]), request, response, warnings: [] };
      const nobody: Actor = { name: "", uid: "", groups: [], extra: {} };
      exchange = { ...base, form: form ?? { as: "", yaml: false }, actor: nobody };
      const actor = deps.authorize(await deps.authenticator.authenticate(head.headers), head);
      exchange = { ...exchange, actor };
      if (!form && !head.path.startsWith("/openapi")) {
        throw notAcceptable(["application/json", "application/yaml"]);
      }
      await deps.handle(exchange);
    } catch (error) {
      const { code } = statusOf(error);
      if (code >= 500) deps.onFailure(error, request.method ?? "", request.url?.split("?")[0] ?? "");
      if (exchange) sendError(exchange, error);
      else {
        const { body } = statusOf(error);
        response.writeHead(code, { "Content-Type": "application/json" });
        response.end(JSON.stringify(body));
      }
    }
  }
}
