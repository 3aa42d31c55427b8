import type { TokenBucketConfig } from "../config/token-bucket.ts";

/** Hands out tokens; starts full. */
export interface TokenBucket {
  /** False: empty. */
  take(): boolean;
  readonly remaining: number;
  /** Until the next fill. Units: s. */
  readonly resetSeconds: number;
}

class FilledBucket implements TokenBucket {
  readonly #config: TokenBucketConfig;
  readonly #nowMs: () => number;
  #tokens: number;
  #filledMs: number;

  constructor(config: TokenBucketConfig, nowMs: () => number) {
    this.#config = config;
    this.#nowMs = nowMs;
    this.#tokens = config.maxTokens;
    this.#filledMs = nowMs();
  }

  take(): boolean {
    this.#fill();
    if (this.#tokens === 0) return false;
    this.#tokens--;
    return true;
  }

  get remaining(): number {
    return this.#tokens;
  }

  get resetSeconds(): number {
    return Math.ceil((this.#filledMs + this.#config.fillIntervalMs - this.#nowMs()) / 1000);
  }

  #fill(): void {
    const { fillIntervalMs, tokensPerFill, maxTokens } = this.#config;
    const fills = Math.floor((this.#nowMs() - this.#filledMs) / fillIntervalMs);
    if (fills <= 0) return;
    this.#filledMs += fills * fillIntervalMs;
    this.#tokens = Math.min(maxTokens, this.#tokens + fills * tokensPerFill);
  }
}

/** `nowMs` is a monotonic clock. */
export function createTokenBucket(config: TokenBucketConfig, nowMs: () => number): TokenBucket {
  return new FilledBucket(config, nowMs);
}
