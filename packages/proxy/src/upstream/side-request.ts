import type { Clock, ClockTimer } from "@heddle/std";
import { err, type Result } from "@heddle/std";
import type { HttpStream, RequestHead, WireFailure } from "@heddle/wire";
import type { Cluster } from "./cluster.ts";
import type { UpstreamFailure } from "./failure.ts";
import type { HostPool, PooledConnection, PoolWaiter } from "./pool.ts";
import { type CollectedResponse, ResponseCollector } from "./response-collector.ts";

/** A request of the proxy itself, beside the traffic that it forwards. */
export interface SideRequest {
  readonly cluster: Cluster | undefined;
  readonly head: RequestHead;
  readonly body: Uint8Array | undefined;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Largest answer. Units: bytes. */
  readonly maxBytes: number;
  /** How often it is tried again where there was no connection; the time limit holds for all tries. Default: never. */
  readonly retry?: { readonly times: number; readonly random: () => number };
}

/** Before another try, with a share by chance: the base, and the most. Source: Envoy's policies of its own calls. Units: ms. */
const BACK_OFF_MS = 1000;
const LONGEST_BACK_OFF_MS = 10_000;

/** Connections that it may be lost with before that is told. */
const MOST_MOVES = 2;

class Running implements PoolWaiter {
  readonly #request: SideRequest;
  readonly #done: (result: Result<CollectedResponse>) => void;
  readonly #timer: ClockTimer;
  #pool: HostPool | undefined;
  #stream: HttpStream | undefined;
  #over = false;
  #tries = 0;
  #moves = 0;
  #again: ClockTimer | undefined;

  constructor(request: SideRequest, done: (result: Result<CollectedResponse>) => void) {
    this.#request = request;
    this.#done = done;
    this.#timer = request.clock.after(request.timeoutMs, () =>
      this.#give(err(`no answer within ${request.timeoutMs} ms`)),
    );
  }

  start(): void {
    const { cluster } = this.#request;
    this.#tries++;
    const host = cluster?.pick(undefined, [], 1);
    if (cluster === undefined || host === undefined) {
      this.#give(err(cluster === undefined ? "the cluster does not exist" : "the cluster has no healthy endpoint"));
      return;
    }
    this.#pool = cluster.pool(host, cluster.config.http.protocol === "http2", undefined);
    this.#pool.acquire(this, this.#moves > 0);
  }

  cancel(): void {
    this.#end();
  }

  onConnection(connection: PooledConnection): void {
    this.#pool = undefined;
    if (this.#over) return;
    const { head, body, maxBytes } = this.#request;
    head.scheme = connection.secure ? "https" : "http";
    const reused = connection.requests > 1 || connection.waited;
    const collector = new ResponseCollector(
      maxBytes,
      (result) => {
        this.#stream = undefined;
        this.#give(result);
      },
      (failure) => this.#moved(failure, connection, reused),
    );
    const stream = connection.http.request(head, body === undefined, collector);
    this.#stream = stream;
    if (body !== undefined) stream.sendData(body, 0, body.length, true);
  }

  /** The server ended the connection; another one gets what it did not look at, or what may be asked twice. `reused`: it stood idle before. */
  #moved(failure: WireFailure, { http }: PooledConnection, reused: boolean): boolean {
    if (this.#over || this.#moves >= MOST_MOVES) return false;
    const { retryable, code } = failure;
    const idle = reused && code === "connection-closed" && (retryable || this.#request.head.method === "GET");
    if (!idle && !(code === "refused" && http.capacity === 0)) return false;
    this.#moves++;
    this.#tries--;
    this.#stream = undefined;
    this.start();
    return true;
  }

  onPoolFailure(failure: UpstreamFailure): void {
    this.#pool = undefined;
    const { retry, clock } = this.#request;
    if (retry === undefined || this.#tries > retry.times || this.#over) {
      this.#give(err(failure.cause));
      return;
    }
    const longestMs = Math.min(BACK_OFF_MS * (2 ** this.#tries - 1), LONGEST_BACK_OFF_MS);
    this.#again = clock.after(retry.random() * longestMs, () => this.start());
  }

  #give(result: Result<CollectedResponse>): void {
    if (this.#over) return;
    this.#end();
    this.#done(result);
  }

  #end(): void {
    this.#over = true;
    this.#timer.cancel();
    this.#again?.cancel();
    this.#pool?.cancel(this);
    this.#stream?.reset();
  }
}

/** Sends a request and gathers its answer. `done` is called once unless the request is cancelled. */
export function sendSideRequest(
  request: SideRequest,
  done: (result: Result<CollectedResponse>) => void,
): { cancel(): void } {
  const running = new Running(request, done);
  running.start();
  return running;
}
