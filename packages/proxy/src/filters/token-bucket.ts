import type { TokenBucketConfig } from "../config/token-bucket.ts";

/** Hands out tokens; starts full. */
export interface TokenBucket {
  /** False: empty. */
  take(): boolean;
  readonly remaining: number;
  readonly max: number;
  /** Until there is a token again; 0 while there is one. Units: s. */
  readonly resetSeconds: number;
}

class FilledBucket implements TokenBucket {
  readonly #config: TokenBucketConfig;
  readonly #nowMs: () => number;
  /** Tokens trickle in rather than by the fill. Source: Envoy 1.40 `AtomicTokenBucket`. */
  readonly #perMs: number;
  #tokens: number;
  #filledMs: number;

  constructor(config: TokenBucketConfig, nowMs: () => number) {
    this.#config = config;
    this.#nowMs = nowMs;
    this.#perMs = config.tokensPerFill / config.fillIntervalMs;
    this.#tokens = config.maxTokens;
    this.#filledMs = nowMs();
  }

  take(): boolean {
    this.#fill();
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  get remaining(): number {
    return Math.trunc(this.#tokens);
  }

  get max(): number {
    return this.#config.maxTokens;
  }

  get resetSeconds(): number {
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) / this.#perMs / 1000);
  }

  #fill(): void {
    const nowMs = this.#nowMs();
    this.#tokens = Math.min(this.#config.maxTokens, this.#tokens + (nowMs - this.#filledMs) * this.#perMs);
    this.#filledMs = nowMs;
  }
}

/** `nowMs` is a monotonic clock. */
export function createTokenBucket(config: TokenBucketConfig, nowMs: () => number): TokenBucket {
  return new FilledBucket(config, nowMs);
}
