import type { DescriptorBucket } from "../config/filters/local-rate-limit.ts";
import type { Descriptor } from "./rate-limit-descriptors.ts";
import { createTokenBucket, type TokenBucket } from "./token-bucket.ts";

/** The token buckets of a filter that are kept by descriptor. */
export interface DescriptorBuckets {
  /** Those that a request takes from, the slowest first. */
  bucketsOf(descriptors: readonly Descriptor[]): readonly TokenBucket[];
}

/** Values of one wildcard that are counted at the same time; the longest unused goes first. Source: Envoy `max_dynamic_descriptors`. */
const MAX_VALUES = 20;

class ConfiguredDescriptor {
  readonly #config: DescriptorBucket;
  readonly #nowMs: () => number;
  readonly #exact: TokenBucket | undefined;
  /** By the values that stand for an empty value; in the order of their last use. */
  readonly #byValue = new Map<string, TokenBucket>();
  /** Tokens a millisecond. */
  readonly rate: number;

  constructor(config: DescriptorBucket, nowMs: () => number) {
    this.#config = config;
    this.#nowMs = nowMs;
    this.rate = config.bucket.tokensPerFill / config.bucket.fillIntervalMs;
    this.#exact = config.entries.some(([, value]) => value === "")
      ? undefined
      : createTokenBucket(config.bucket, nowMs);
  }

  match(descriptor: Descriptor): TokenBucket | undefined {
    const { entries, bucket } = this.#config;
    if (entries.length !== descriptor.length) return undefined;
    let values = "";
    for (let i = 0; i < entries.length; i++) {
      const wanted = entries[i];
      const found = descriptor[i];
      if (wanted === undefined || found === undefined || wanted[0] !== found[0]) return undefined;
      if (wanted[1] === "") values += `${found[1]}\u0000`;
      else if (wanted[1] !== found[1]) return undefined;
    }
    if (this.#exact !== undefined) return this.#exact;
    const known = this.#byValue.get(values) ?? createTokenBucket(bucket, this.#nowMs);
    this.#byValue.delete(values);
    this.#byValue.set(values, known);
    if (this.#byValue.size > MAX_VALUES) {
      const oldest = this.#byValue.keys().next();
      if (oldest.done !== true) this.#byValue.delete(oldest.value);
    }
    return known;
  }
}

class Buckets implements DescriptorBuckets {
  readonly #configured: readonly ConfiguredDescriptor[];

  constructor(configs: readonly DescriptorBucket[], nowMs: () => number) {
    this.#configured = configs.map((config) => new ConfiguredDescriptor(config, nowMs)).sort((a, b) => a.rate - b.rate);
  }

  bucketsOf(descriptors: readonly Descriptor[]): readonly TokenBucket[] {
    const buckets: TokenBucket[] = [];
    for (const configured of this.#configured) {
      for (const descriptor of descriptors) {
        const bucket = configured.match(descriptor);
        if (bucket !== undefined && !buckets.includes(bucket)) buckets.push(bucket);
      }
    }
    return buckets;
  }
}

/** `nowMs` is a monotonic clock. */
export function createDescriptorBuckets(configs: readonly DescriptorBucket[], nowMs: () => number): DescriptorBuckets {
  return new Buckets(configs, nowMs);
}
