import { type TokenBucket, TokenBucketSchema } from "@heddle/xds-api/envoy/type/v3/token_bucket";
import { decodeDuration } from "./duration-field.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** A bucket that starts full and is filled at regular times. */
export interface TokenBucketConfig {
  readonly maxTokens: number;
  readonly tokensPerFill: number;
  /** Units: ms. */
  readonly fillIntervalMs: number;
}

export const TOKEN_BUCKET_SHAPE = shape(TokenBucketSchema, ["max_tokens", "tokens_per_fill", "fill_interval"]);

export function decodeTokenBucket(message: TokenBucket | undefined, scope: DecodeScope): TokenBucketConfig | undefined {
  if (message === undefined) return undefined;
  checkShape(TOKEN_BUCKET_SHAPE, message, scope);
  const fillIntervalMs = decodeDuration(message.fillInterval, scope.field("fill_interval")) ?? 0;
  if (fillIntervalMs <= 0) scope.field("fill_interval").problem("a token bucket needs a fill interval above zero");
  if (message.maxTokens === 0) scope.field("max_tokens").problem("a token bucket needs at least one token");
  return { maxTokens: message.maxTokens, tokensPerFill: message.tokensPerFill ?? 1, fillIntervalMs };
}
