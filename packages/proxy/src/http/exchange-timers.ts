import type { Expirable, TimerWheel, WheelTimer } from "@heddle/std";
import { HEADER_ID, type RequestHead } from "@heddle/wire";
import type { HttpManagerConfig } from "../config/http-manager.ts";
import type { ForwardAction } from "../config/route-action.ts";

/** What timers tell an exchange. */
export interface TimedExchange {
  onRouteTimeout(): void;
  onTryTimeout(limit: TryLimit): void;
}

/** Limits of one try, and what they say when they are over. */
export const TRY_LIMITS = {
  "per-try-timeout": "no response within the time for one try",
  "per-try-idle": "nothing was sent or received within the idle time for one try",
  "max-stream": "the request took longer than the cluster lets a stream last",
} as const;

export type TryLimit = keyof typeof TRY_LIMITS;

/** The time for the whole request is over. */
export class RouteTimeout implements Expirable {
  readonly #exchange: TimedExchange;
  constructor(exchange: TimedExchange) {
    this.#exchange = exchange;
  }
  onExpire(): void {
    this.#exchange.onRouteTimeout();
  }
}

/** The time for one try is over. */
export class TryTimeout implements Expirable {
  readonly #exchange: TimedExchange;
  constructor(exchange: TimedExchange) {
    this.#exchange = exchange;
  }
  onExpire(): void {
    this.#exchange.onTryTimeout("per-try-timeout");
  }
}

/** What the limits of an attempt ask and tell. */
export interface AttemptLimitsOwner extends TimedExchange {
  readonly lastActivityMs: number;
}

/** A try that can be told to end. */
interface LimitedAttempt {
  readonly over: boolean;
}

/** Idle time and age of one try, where a route or cluster limits them. */
class AttemptLimits implements Expirable {
  readonly #owner: AttemptLimitsOwner;
  readonly #attempt: LimitedAttempt;
  readonly #wheel: TimerWheel;
  readonly #timer: WheelTimer;
  readonly #startMs: number;
  readonly #quietMs: number;
  readonly #endMs: number;

  constructor(
    owner: AttemptLimitsOwner,
    attempt: LimitedAttempt,
    wheel: TimerWheel,
    quietMs: number,
    longestMs: number,
  ) {
    this.#owner = owner;
    this.#attempt = attempt;
    this.#wheel = wheel;
    this.#quietMs = quietMs;
    this.#endMs = longestMs > 0 ? wheel.nowMs + longestMs : Number.POSITIVE_INFINITY;
    this.#startMs = wheel.nowMs;
    this.#timer = wheel.create(this);
    this.#arm();
  }

  onExpire(): void {
    if (this.#attempt.over) return;
    const { nowMs } = this.#wheel;
    if (nowMs >= this.#endMs) this.#owner.onTryTimeout("max-stream");
    else if (nowMs >= this.#quietEndMs()) this.#owner.onTryTimeout("per-try-idle");
    else this.#arm();
  }

  end(): void {
    this.#timer.release();
  }

  #quietEndMs(): number {
    if (this.#quietMs === 0) return Number.POSITIVE_INFINITY;
    return Math.max(this.#startMs, this.#owner.lastActivityMs) + this.#quietMs;
  }

  #arm(): void {
    this.#timer.arm(Math.max(1, Math.min(this.#endMs, this.#quietEndMs()) - this.#wheel.nowMs));
  }
}

/** Starts the limits of a try; 0: none. Units: ms. */
export function startAttemptLimits(
  owner: AttemptLimitsOwner,
  attempt: LimitedAttempt,
  wheel: TimerWheel,
  quietMs: number,
  longestMs: number,
): { end(): void } {
  return new AttemptLimits(owner, attempt, wheel, quietMs, longestMs);
}

/** Which limit a stream has reached; undefined: none. `uploading`: the request is not complete. Units: ms. */
export function overdue(
  config: HttpManagerConfig,
  action: ForwardAction | undefined,
  quietMs: number,
  ageMs: number,
  uploading: boolean,
): "stream-idle" | "request-timeout" | "max-duration" | undefined {
  const idleMs = action?.idleTimeoutMs ?? config.streamIdleTimeoutMs;
  if (idleMs > 0 && quietMs >= idleMs) return "stream-idle";
  if (config.requestTimeoutMs > 0 && uploading && ageMs >= config.requestTimeoutMs) return "request-timeout";
  const longestMs = action?.maxStreamMs ?? config.maxStreamDurationMs;
  return longestMs > 0 && ageMs >= longestMs ? "max-duration" : undefined;
}

/** The time for a whole request: the route's, or what a gRPC client asks for. 0: none. Units: ms. */
export function effectiveTimeoutMs(action: ForwardAction, grpc: boolean, request: RequestHead): number {
  if (action.maxGrpcTimeoutMs === undefined || !grpc) return action.timeoutMs;
  const asked = grpcTimeoutMs(request.headers.getId(HEADER_ID["grpc-timeout"]));
  if (asked === undefined) return action.timeoutMs;
  return action.maxGrpcTimeoutMs === 0 ? asked : Math.min(asked, action.maxGrpcTimeoutMs);
}

/** A `grpc-timeout` header. Units: ms. Errors: undefined when it is not one. Source: gRPC over HTTP/2, "Timeout". */
export function grpcTimeoutMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text.slice(0, -1));
  if (!Number.isFinite(value)) return undefined;
  switch (text[text.length - 1]) {
    case "H":
      return value * 3_600_000;
    case "M":
      return value * 60_000;
    case "S":
      return value * 1000;
    case "m":
      return value;
    case "u":
      return value / 1000;
    case "n":
      return value / 1_000_000;
    default:
      return undefined;
  }
}
