import { isNoSuchPath, statusOf } from "../errors/api-errors.ts";
import type { Exchange } from "./exchange.ts";

/** RFC 7234 warn-text: quotes and control characters would break the header. */
function warningHeader(message: string): string {
  const clean = message.replace(/\p{Cc}/gu, " ").replace(/["\\]/g, "\\$&");
  return `299 - "${clean}"`;
}

export function sendText(exchange: Exchange, code: number, body: string, contentType: string): void {
  const { response } = exchange;
  if (response.headersSent) return;
  if (exchange.warnings.length > 0) response.setHeader("Warning", exchange.warnings.map(warningHeader));
  response.writeHead(code, {
    "Content-Type": contentType,
    "Content-Length": Buffer.byteLength(body),
    "Cache-Control": "no-cache, private",
  });
  response.end(exchange.method === "HEAD" ? undefined : body);
}

export function sendBytes(exchange: Exchange, body: Uint8Array, contentType: string): void {
  exchange.response.writeHead(200, { "Content-Type": contentType, "Content-Length": body.length });
  exchange.response.end(body);
}

export function sendJson(exchange: Exchange, code: number, body: string): void {
  if (!exchange.form.yaml) {
    sendText(exchange, code, body, "application/json");
    return;
  }
  import("yaml").then(
    ({ stringify }) => sendText(exchange, code, stringify(JSON.parse(body)), "application/yaml"),
    (error: unknown) => sendError(exchange, error),
  );
}

export function sendObject(exchange: Exchange, code: number, body: object): void {
  sendJson(exchange, code, JSON.stringify(body));
}

export function sendError(exchange: Exchange, error: unknown): void {
  const { code, body } = statusOf(error);
  if (isNoSuchPath(error)) sendText(exchange, code, "404 page not found\n", "text/plain; charset=utf-8");
  else sendText(exchange, code, JSON.stringify(body), "application/json");
}
