import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from "node:http2";
import { isObject } from "@heddle/config";
import type { Logger } from "@heddle/std";
import type { ServingMaterial } from "../grpc/rotating-credentials.ts";
import type { ListenAddress } from "../options.ts";

/** Answers one AdmissionReview, at once or by a promise; `path` is the one that was asked for. */
export type AdmissionHandler = (review: unknown, path: string) => unknown;

/** The HTTPS server that the API server calls. */
export interface WebhookServer {
  listen(address: ListenAddress): Promise<number>;
  replace(material: ServingMaterial): void;
  close(): Promise<void>;
}

export interface WebhookServerOptions {
  readonly material: ServingMaterial;
  /** By path, e.g. `/inject`. A handler returns the review's answer, or a sentence when the body is no review. */
  readonly handlers: Readonly<Record<string, AdmissionHandler>>;
  readonly log: Logger;
  /** What was asked for got this error status. */
  onError(path: string, status: number): void;
}

/** Reviews hold one object; etcd refuses more than this. Units: bytes. */
const maxBody = 4 * 1024 * 1024;

class Server implements WebhookServer {
  readonly #server: Http2SecureServer;
  readonly #handlers: Readonly<Record<string, AdmissionHandler>>;
  readonly #log: Logger;

  readonly #onError: (path: string, status: number) => void;

  constructor({ material, handlers, log, onError }: WebhookServerOptions) {
    this.#handlers = handlers;
    this.#log = log;
    this.#onError = onError;
    // `node:http2`, because on Bun its certificate can be replaced while serving, which `node:https` cannot.
    this.#server = createSecureServer(
      { allowHTTP1: true, key: material.key, cert: material.cert },
      (request, response) => this.#answer(request, response),
    );
    this.#server.on("sessionError", () => {});
    this.#server.on("tlsClientError", () => {});
  }

  listen(address: ListenAddress): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(address.port, address.host, () => {
        this.#server.off("error", reject);
        this.#server.on("error", (error) => this.#log.warn("webhook server", { error }));
        const bound = this.#server.address();
        resolve(isObject(bound) ? Number(bound["port"]) : address.port);
      });
    });
  }

  replace(material: ServingMaterial): void {
    this.#server.setSecureContext({ key: material.key, cert: material.cert });
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #answer(request: Http2ServerRequest, response: Http2ServerResponse): void {
    // What is no URL, such as `//`, is nobody's path; thrown from here, it would end the process.
    const path = URL.parse(request.url, "https://localhost")?.pathname ?? request.url;
    const reply = (code: number, body: string, type = "text/plain"): void => {
      if (code >= 400) this.#onError(path, code);
      response.writeHead(code, { "content-type": type });
      response.end(body);
    };
    // Istio's paths may carry a cluster and a network: /inject/cluster/c1/net/n1.
    const handler = this.#handlers[`/${path.split("/")[1] ?? ""}`];
    if (path === "/ready" || path === "/httpsReady") {
      reply(200, "ready\n");
      return;
    }
    if (handler === undefined) {
      reply(404, `no webhook at ${path}; there are ${Object.keys(this.#handlers).join(" and ")}\n`);
      return;
    }
    if (request.method !== "POST") {
      reply(405, "webhooks are called by POST\n");
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBody) chunks.push(chunk);
    });
    request.on("error", () => {});
    request.on("end", () => {
      if (size > maxBody) reply(413, `the review is larger than ${maxBody} bytes\n`);
      else void this.#review(path, handler, Buffer.concat(chunks).toString("utf8"), reply);
    });
  }

  async #review(
    path: string,
    handler: AdmissionHandler,
    body: string,
    reply: (code: number, body: string, type?: string) => void,
  ): Promise<void> {
    let review: unknown;
    try {
      review = JSON.parse(body);
    } catch {
      reply(400, "the body is not JSON\n");
      return;
    }
    try {
      const answer = await handler(review, path);
      if (typeof answer === "string") reply(400, `${answer}\n`);
      else reply(200, JSON.stringify(answer), "application/json");
    } catch (error) {
      this.#log.error("answering an admission review failed", { path, error });
      reply(500, "the control plane failed; see its log\n");
    }
  }
}

export function createWebhookServer(options: WebhookServerOptions): WebhookServer {
  return new Server(options);
}
