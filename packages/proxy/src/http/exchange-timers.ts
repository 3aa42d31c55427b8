import type { Expirable } from "@heddle/std";
import { HEADER_ID, type RequestHead } from "@heddle/wire";
import type { ForwardAction } from "../config/route-action.ts";

/** What timers tell an exchange. */
export interface TimedExchange {
  onRouteTimeout(): void;
  onTryTimeout(): void;
}

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
    this.#exchange.onTryTimeout();
  }
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
