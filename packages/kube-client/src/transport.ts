import type { ClusterAccess } from "./cluster-access.ts";
import { answerError, connectionError } from "./failure-sentence.ts";
import { isKubeError, KubeError } from "./kube-error.ts";

export type QueryValue = string | number | boolean | readonly string[] | undefined;
export type Query = Readonly<Record<string, QueryValue>>;

export interface RequestOptions {
  readonly query?: Query;
  /** Sent as it is when text or bytes, else as JSON. */
  readonly body?: unknown;
  /** Default: `application/json` when there is a body. */
  readonly contentType?: string;
  /** Default: `application/json`. */
  readonly accept?: string;
  readonly signal?: AbortSignal;
  /** How long the answer's head may take. Default: 30 s. Units: ms. */
  readonly timeoutMs?: number;
}

/** One authenticated way to one API server. */
export interface Transport {
  readonly server: string;
  /** The answer of a 2xx status, its body not read yet. Errors: `KubeError`; an abort rejects with the signal's reason. */
  request(method: string, path: string, options?: RequestOptions): Promise<Response>;
  /** Opens a WebSocket. Errors: `KubeError` with the API server's own words when it refuses. */
  upgrade(path: string, query: Query, protocols: readonly string[], signal?: AbortSignal): Promise<WebSocket>;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const UPGRADE_TIMEOUT_MS = 30_000;

/** Bun's `fetch` and `WebSocket` take the TLS options; the HTTP stack of the usual Kubernetes client ignores them there. */
interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  readonly rejectUnauthorized?: boolean;
}

export function createTransport(access: ClusterAccess, userAgent: string): Transport {
  return new FetchTransport(access, userAgent);
}

class FetchTransport implements Transport {
  readonly server: string;
  readonly #access: ClusterAccess;
  readonly #userAgent: string;

  constructor(access: ClusterAccess, userAgent: string) {
    this.server = access.server;
    this.#access = access;
    this.#userAgent = userAgent;
  }

  async request(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
    try {
      return await this.#once(method, path, options);
    } catch (error) {
      // A rotated token or an expired certificate of a plugin: once more with new credentials.
      if (isKubeError(error, 401) && this.#access.credentials.invalidate()) return this.#once(method, path, options);
      throw error;
    }
  }

  async #once(method: string, path: string, options: RequestOptions): Promise<Response> {
    const { signal } = options;
    signal?.throwIfAborted();
    const [tls, headers] = await Promise.all([this.#tls(), this.#headers()]);
    const abort = new AbortController();
    const onAbort = () => abort.abort(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      abort.abort();
    }, timeoutMs);
    try {
      const response = await fetch(this.server + path + queryText(options.query), {
        method,
        headers: { ...headers, accept: options.accept ?? "application/json", ...contentHeaders(options) },
        redirect: "manual",
        // Bun would end quiet watches after five minutes.
        timeout: false,
        signal: abort.signal,
        tls,
        ...(options.body !== undefined && { body: bodyOf(options.body) }),
        ...(this.#access.proxyUrl !== undefined && { proxy: this.#access.proxyUrl }),
      } as RequestInit);
      if (response.ok) return response;
      throw await answerError(this.#access, method, path, response);
    } catch (error) {
      if (error instanceof KubeError) throw error;
      signal?.throwIfAborted();
      if (timedOut)
        throw new KubeError(
          0,
          "Timeout",
          `${this.server} did not answer ${method} ${path} within ${timeoutMs / 1000} s; is it overloaded, or does a firewall drop packets?`,
        );
      throw connectionError(this.#access, error);
    } finally {
      clearTimeout(timer);
    }
  }

  async upgrade(path: string, query: Query, protocols: readonly string[], signal?: AbortSignal): Promise<WebSocket> {
    signal?.throwIfAborted();
    const [tls, headers] = await Promise.all([this.#tls(), this.#headers()]);
    const url = this.server.replace(/^http/, "ws") + path + queryText(query);
    const options = {
      headers,
      protocols: [...protocols],
      tls,
      ...(this.#access.proxyUrl !== undefined && { proxy: this.#access.proxyUrl }),
    };
    const socket = new WebSocket(url, options as Bun.WebSocketOptions);
    socket.binaryType = "arraybuffer";
    const opened = await firstEvent(socket, signal);
    if (opened === "open") return socket;
    socket.close();
    signal?.throwIfAborted();
    // A WebSocket doesn't tell why it was refused; the same request without the upgrade does.
    const why = await this.request("GET", path, { query }).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (isKubeError(why) && why.code !== 400) throw why;
    throw new KubeError(
      0,
      "UpgradeFailed",
      `${this.server} did not open a WebSocket for ${path} (${opened}); does a proxy in between refuse WebSockets?`,
      { cause: why },
    );
  }

  async #headers(): Promise<Readonly<Record<string, string>>> {
    return {
      "user-agent": this.#userAgent,
      ...this.#access.impersonation,
      ...(await this.#access.credentials.headers()),
    };
  }

  async #tls(): Promise<TlsOptions> {
    const { ca, serverName, insecureSkipVerify, credentials } = this.#access;
    const certificate = await credentials.clientCertificate();
    return {
      ...(ca !== undefined && { ca }),
      ...(serverName !== undefined && { serverName }),
      ...(certificate !== undefined && { cert: certificate.cert, key: certificate.key }),
      ...(insecureSkipVerify && { rejectUnauthorized: false }),
    };
  }
}

function firstEvent(socket: WebSocket, signal: AbortSignal | undefined): Promise<string> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve("timeout"), UPGRADE_TIMEOUT_MS);
    const settle = (what: string) => {
      clearTimeout(timer);
      resolve(what);
    };
    socket.addEventListener("open", () => settle("open"), { once: true });
    socket.addEventListener("error", (event) => settle("message" in event ? String(event.message) : "refused"), {
      once: true,
    });
    socket.addEventListener("close", () => settle("closed"), { once: true });
    signal?.addEventListener("abort", () => settle("aborted"), { once: true });
  });
}

/** `?a=1&b=x&b=y`, or "" when nothing is set. */
export function queryText(query: Query | undefined): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined) continue;
    if (typeof value === "object") for (const item of value) params.append(name, item);
    else params.set(name, String(value));
  }
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}

function contentHeaders(options: RequestOptions): Readonly<Record<string, string>> {
  if (options.body === undefined) return {};
  return { "content-type": options.contentType ?? "application/json" };
}

function bodyOf(body: unknown): string | Uint8Array {
  if (typeof body === "string" || body instanceof Uint8Array) return body;
  return JSON.stringify(body);
}
