// Hot path: one per request.
import type { WheelTimer } from "@heddle/std";
import type { ResponseHead } from "@heddle/wire";
import type { RetryPolicyConfig } from "../config/retry-policy.ts";
import type { ForwardAction } from "../config/route-action.ts";
import { ResponseCodes } from "../counters/response-codes.ts";
import type { RouteCounters } from "../counters/route-counters.ts";
import type { Cluster } from "../upstream/cluster.ts";
import { type UpstreamFailure, upstreamFailure } from "../upstream/failure.ts";
import type { Host } from "../upstream/host.ts";
import { Attempt, type AttemptOwner } from "./attempt.ts";
import type { HttpManager } from "./connection-manager.ts";
import { type AttemptLimitsOwner, TRY_LIMITS, type TryLimit, TryTimeout } from "./exchange-timers.ts";
import { FailedTries, type FailedTry } from "./failed-tries.ts";
import type { ForwardedExchange } from "./forward-request.ts";
import { prepareAttempt } from "./prepare-attempt.ts";
import { backOff, isIdempotent, mayRetry, retriesFailure, retriesResponse, usedUp } from "./retry-decision.ts";

/** The exchange that the tries are for. */
export interface TriesOwner extends ForwardedExchange, AttemptOwner, AttemptLimitsOwner {
  /** Of the newest try. */
  host: Host | undefined;
  /** Tries so far. */
  attempts: number;
  /** Why the newest try found no connection; "" where it has one. */
  transportFailure: string;
  /** The client has its whole answer, or is gone. */
  readonly settled: boolean;
  /** Nothing was answered yet, and what has come of the request is kept. */
  readonly repeatable: boolean;
  /** The whole request is here, to be sent again. */
  readonly replayable: boolean;
  addFlag(flag: string): void;
  readonly virtualCluster: RouteCounters | undefined;
  /** No try has brought an answer, and none will. */
  onTriesFailed(failure: UpstreamFailure): void;
}

/** The tries of one request at its cluster: the first, those that follow by the retry policy, and those that run beside each other. */
export class Tries {
  readonly #owner: TriesOwner;
  readonly #manager: HttpManager;
  #cluster: Cluster | undefined = undefined;
  #action: ForwardAction | undefined = undefined;
  /** The policy that holds; undefined: one try only. */
  retry: RetryPolicyConfig | undefined = undefined;
  /** The newest try; undefined while none is under way. */
  current: Attempt | undefined = undefined;
  /** Undefined until a try fails. */
  #failed: FailedTries | undefined = undefined;
  #timer: WheelTimer | undefined = undefined;

  constructor(owner: TriesOwner, manager: HttpManager) {
    this.#owner = owner;
    this.#manager = manager;
  }

  /** The last try before the newest ended because of its time limit. */
  get timedOut(): boolean | undefined {
    return this.#failed?.timedOut;
  }

  /** The tries that were followed by another. */
  get failed(): readonly FailedTry[] {
    return this.#failed?.tries ?? NO_TRIES;
  }

  /** Starts the first try. After a redirect once more, as if nothing had been tried. */
  begin(cluster: Cluster, action: ForwardAction, retry: RetryPolicyConfig | undefined): void {
    this.#cluster = cluster;
    this.#action = action;
    this.retry = retry;
    this.#failed = undefined;
    this.#start();
  }

  #start(): void {
    const { retry } = this;
    const owner = this.#owner;
    const cluster = this.#cluster;
    if (cluster === undefined) return;
    owner.attempts++;
    const attempt = prepareAttempt(owner, cluster, this.#action, retry, this.#failed, this.#manager);
    if (!(attempt instanceof Attempt)) {
      owner.onTriesFailed(attempt);
      return;
    }
    owner.host = attempt.host;
    owner.transportFailure = "";
    this.current = attempt;
    if (retry !== undefined && retry.perTryTimeoutMs > 0) {
      this.#timer ??= this.#manager.wheel.create(new TryTimeout(owner));
      this.#timer.arm(retry.perTryTimeoutMs);
    }
    attempt.start(this.#failed !== undefined && this.#failed.moves > 0);
  }

  /** Whether the client gets nothing of a response, because another try is under way or follows. */
  takesResponse(attempt: Attempt, head: ResponseHead): boolean {
    const { retry } = this;
    if (this.#failed !== undefined && this.#leavesRace(attempt, retry !== undefined && retriesResponse(retry, head)))
      return true;
    this.#timer?.disarm();
    if (retry === undefined || !retriesResponse(retry, head) || !this.#mayRetry(retry)) return false;
    this.#startRetry(attempt, retry, head);
    return true;
  }

  /** Marks a response that is passed on only because no try is left. */
  markUsedUp(head: ResponseHead): void {
    const { retry } = this;
    if (retry !== undefined && usedUp(retry, this.#owner.attempts) && retriesResponse(retry, head)) this.#usedUp();
  }

  /** The client gets the answer of a try: that the request was tried again was worth it, unless the answer asks for yet another. */
  countSuccess(): void {
    const failed = this.#failed;
    const cluster = this.#cluster;
    if (failed === undefined || failed.tries.length === 0 || cluster === undefined) return;
    if (failed.usedUp) return;
    cluster.counters.retrySuccess++;
    for (const counted of this.#counted()) counted.retrySuccess++;
  }

  #usedUp(): void {
    const owner = this.#owner;
    owner.addFlag("URX");
    this.#failures().usedUp = true;
    if (this.#cluster !== undefined) this.#cluster.counters.retriesUsedUp++;
    for (const counted of this.#counted()) counted.retriesUsedUp++;
  }

  /** Counters of the route and of the virtual cluster, where there are some. */
  #counted(): readonly RouteCounters[] {
    const { route, virtualCluster } = this.#owner;
    return [route?.counters, virtualCluster].filter((one) => one !== undefined);
  }

  /** A try failed before any answer. */
  onFailure(attempt: Attempt, failure: UpstreamFailure): void {
    const { retry } = this;
    const owner = this.#owner;
    if (this.#failed !== undefined && this.#leavesRace(attempt, true)) return;
    this.#timer?.disarm();
    if (this.#lostIdle(attempt, failure)) {
      this.#move();
      return;
    }
    const sent = attempt.stream !== undefined;
    if (retry !== undefined && retriesFailure(retry, failure, sent) && this.#mayRetry(retry)) {
      this.#startRetry(attempt, retry, undefined);
      return;
    }
    if (retry !== undefined && usedUp(retry, owner.attempts) && retriesFailure(retry, failure, sent)) this.#usedUp();
    else if (this.#leftBehind(attempt, failure)) {
      this.#move();
      return;
    }
    this.current = undefined;
    // Source: Envoy, for which a host that was full was not chosen.
    if (failure.code === "overflow") owner.host = undefined;
    owner.onTriesFailed(failure);
  }

  /** A limit of the newest try is over. */
  onTimeout(kind: TryLimit): void {
    const attempt = this.current;
    if (attempt === undefined) return;
    const { retry } = this;
    attempt.host.stats.rqTimeout++;
    attempt.limits?.timedOut?.(kind);
    const { counters } = attempt.cluster;
    if (kind === "per-try-timeout") counters.tryTimeouts++;
    else if (kind === "per-try-idle") counters.tryIdleTimeouts++;
    else counters.streamMaxDuration++;
    this.#failures().timedOut = true;
    if (kind === "per-try-timeout" && this.#action?.hedges === true && retry !== undefined) {
      // The slow try goes on; whoever answers first wins.
      attempt.cluster.outlier?.onLocalFailure(attempt.host);
      if (!this.#mayRetry(retry)) return;
      this.#failures().hedged.push(attempt);
      this.#startRetry(attempt, retry, undefined, false);
      return;
    }
    if (kind !== "max-stream") attempt.cluster.outlier?.onLocalFailure(attempt.host);
    attempt.abandon();
    this.#owner.onAttemptFailed(attempt, upstreamFailure(kind, TRY_LIMITS[kind]));
  }

  /** A try has ended that had the answer. */
  forget(attempt: Attempt): void {
    if (this.current === attempt) this.current = undefined;
  }

  /** The answer has begun: the time for a try no longer counts. */
  disarm(): void {
    this.#timer?.disarm();
  }

  /** Nobody waits for what is under way. */
  giveUp(): void {
    const attempt = this.current;
    this.current = undefined;
    attempt?.abandon();
    this.#failed?.abandonHedged();
  }

  /** The exchange is over. */
  release(): void {
    this.#timer?.release();
  }

  /** Asked only of what is worth another try: a refusal by the circuit breaker is counted. */
  #mayRetry(policy: RetryPolicyConfig): boolean {
    const owner = this.#owner;
    if (owner.attempts > policy.retries || !owner.repeatable) return false;
    if (mayRetry(this.#cluster)) return true;
    for (const counted of this.#counted()) counted.retryOverflow++;
    return false;
  }

  #failures(): FailedTries {
    this.#failed ??= new FailedTries();
    return this.#failed;
  }

  /** Whether a try that runs beside others leaves without an answer to the client. `bad`: it would be tried again. */
  #leavesRace(attempt: Attempt, bad: boolean): boolean {
    const winner = this.#failed?.settle(attempt, bad, this.current);
    this.current = winner;
    if (winner !== attempt) return true;
    this.#owner.host = winner.host;
    return false;
  }

  /** The server closed a kept-alive connection while our request was on its way: that says nothing about the host. */
  #lostIdle(attempt: Attempt, failure: UpstreamFailure): boolean {
    if (!attempt.reused || failure.code !== "connection-closed") return false;
    // What was not sent can't have been processed.
    return this.#mayMove && (failure.retryable || isIdempotent(this.#owner.request.method));
  }

  /** The server ends its connection in good order (GOAWAY) and says that it did not look at this request. */
  #leftBehind(attempt: Attempt, failure: UpstreamFailure): boolean {
    return failure.code === "refused-stream" && attempt.connection?.http.capacity === 0 && this.#mayMove;
  }

  get #mayMove(): boolean {
    return this.#owner.replayable && (this.#failed?.moves ?? 0) < MOST_MOVES;
  }

  /** Another connection gets the request, as if it had been taken at first. */
  #move(): void {
    this.#failures().moves++;
    this.#owner.attempts--;
    this.current = undefined;
    this.#start();
  }

  /** `stop`: false leaves the failed try running beside the new one. */
  #startRetry(failed: Attempt, policy: RetryPolicyConfig, head: ResponseHead | undefined, stop = true): void {
    if (stop) failed.abandon();
    this.current = undefined;
    const failures = this.#failures();
    for (const counted of this.#counted()) counted.retries++;
    if (head !== undefined) {
      const { counters } = failed.cluster;
      counters.retried ??= new ResponseCodes();
      counters.retried.count(head.status);
    }
    failures.tries.push({ host: failed.host, status: head?.status ?? 0, connected: failed.connection !== undefined });
    failures.waiting = true;
    backOff(policy, this.#owner.attempts, head, failed.cluster.counters, this.#manager, () => {
      if (this.#owner.settled || !failures.waiting) return;
      failures.waiting = false;
      this.#start();
    });
  }
}

/** Connections that a request may be lost with before that is told. */
const MOST_MOVES = 2;
const NO_TRIES: readonly FailedTry[] = [];
