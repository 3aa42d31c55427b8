import { fromBinary, type JsonValue } from "@bufbuild/protobuf";
import { OmitHostMetadataConfigSchema } from "@heddle/xds-api/envoy/extensions/retry/host/omit_host_metadata/v3/omit_host_metadata_config";
import { PreviousPrioritiesConfigSchema } from "@heddle/xds-api/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config";
import { decodeDuration } from "./duration-field.ts";
import { decodeHeaderMatch, type HeaderMatch } from "./header-match.ts";
import { type RetryPolicy, RetryPolicySchema } from "./proto.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** Conditions of `retry_on` as bits, so that the hot path tests one number. Source: Envoy x-envoy-retry-on, x-envoy-retry-grpc-on. */
export const RETRY_ON = {
  "5xx": 1,
  "gateway-error": 2,
  reset: 4,
  "connect-failure": 8,
  "retriable-4xx": 16,
  "refused-stream": 32,
  "retriable-status-codes": 64,
  "retriable-headers": 128,
  "reset-before-request": 256,
  "envoy-ratelimited": 512,
  "http3-post-connect-failure": 1024,
  cancelled: 1 << 16,
  "deadline-exceeded": 1 << 17,
  internal: 1 << 18,
  "resource-exhausted": 1 << 19,
  unavailable: 1 << 20,
} as const;

/** Labels of endpoints under `envoy.lb`. */
export type LabelSet = readonly (readonly [key: string, value: JsonValue])[];

/** When and how often a request is tried again. */
export interface RetryPolicyConfig {
  /** Bits of `RETRY_ON`. */
  readonly on: number;
  readonly retries: number;
  /** 0: none. Units: ms. */
  readonly perTryTimeoutMs: number;
  /** Between two events of one try. 0: none. Units: ms. */
  readonly perTryIdleMs: number;
  readonly statusCodes: ReadonlySet<number>;
  readonly headers: readonly HeaderMatch[];
  /** Only requests that match one of these are tried again; empty: all. */
  readonly requestHeaders: readonly HeaderMatch[];
  /** Headers of a response that say when to come back; empty: none. */
  readonly resetHeaders: readonly { readonly name: string; readonly unixTime: boolean }[];
  /** Units: ms. Default: 5 min. */
  readonly resetMaxMs: number;
  /** Choose a host that was not tried before, this many times at most. */
  readonly avoidPreviousHosts: boolean;
  /** Retries leave out endpoints with all labels of one of these. */
  readonly omit: readonly LabelSet[];
  readonly hostAttempts: number;
  /** Retries leave out the priorities of hosts that failed, looked at after each so many of them. 0: they do not. */
  readonly priorityFrequency: number;
  /** Units: ms. Default: 25. */
  readonly backOffBaseMs: number;
  /** Units: ms. Default: ten times the base. */
  readonly backOffMaxMs: number;
}

export const RETRY_POLICY_SHAPE = shape(
  RetryPolicySchema,
  [
    "retry_on",
    "num_retries",
    "per_try_timeout",
    "per_try_idle_timeout",
    "retry_host_predicate",
    "host_selection_retry_max_attempts",
    "retriable_status_codes",
    "retry_back_off",
    "retriable_headers",
    "retriable_request_headers",
    "rate_limited_retry_back_off",
    "retry_priority",
  ],
  {},
  {
    retry_options_predicates: "Envoy brings no such predicate that could be named here",
  },
);

const PREVIOUS_HOSTS = "envoy.retry_host_predicates.previous_hosts";
const PREVIOUS_PRIORITIES = "envoy.retry_priorities.previous_priorities";
const OMIT_CANARY = "envoy.retry_host_predicates.omit_canary_hosts";
const CANARY: LabelSet = [["canary", true]];

export function decodeRetryPolicy(message: RetryPolicy, scope: DecodeScope): RetryPolicyConfig {
  checkShape(RETRY_POLICY_SHAPE, message, scope);
  let avoidPreviousHosts = false;
  const omit: LabelSet[] = [];
  message.retryHostPredicate.forEach((predicate, i) => {
    const { value } = predicate.configType;
    const type = value?.typeUrl ?? "";
    if (predicate.name === PREVIOUS_HOSTS || type.endsWith("PreviousHostsPredicate")) avoidPreviousHosts = true;
    else if (predicate.name === OMIT_CANARY || type.endsWith("OmitCanaryHostsPredicate")) omit.push(CANARY);
    else if (value !== undefined && type.endsWith(OmitHostMetadataConfigSchema.typeName)) {
      const wanted = fromBinary(OmitHostMetadataConfigSchema, value.value).metadataMatch?.filterMetadata["envoy.lb"];
      if (wanted !== undefined) omit.push(Object.entries(wanted));
    } else
      scope
        .field("retry_host_predicate")
        .item(i)
        .problem(`${predicate.name} is not implemented; previous_hosts, omit_canary_hosts and omit_host_metadata are`);
  });
  const headers: HeaderMatch[] = [];
  message.retriableHeaders.forEach((header, i) => {
    const match = decodeHeaderMatch(header, scope.field("retriable_headers").item(i));
    if (match !== undefined) headers.push(match);
  });
  const requestHeaders: HeaderMatch[] = [];
  message.retriableRequestHeaders.forEach((header, i) => {
    const match = decodeHeaderMatch(header, scope.field("retriable_request_headers").item(i));
    if (match !== undefined) requestHeaders.push(match);
  });
  const limited = message.rateLimitedRetryBackOff;
  const base = decodeDuration(message.retryBackOff?.baseInterval, scope.field("retry_back_off.base_interval")) ?? 25;
  return {
    on: retryBits(message.retryOn, scope.field("retry_on")),
    retries: message.numRetries ?? 1,
    perTryTimeoutMs: decodeDuration(message.perTryTimeout, scope.field("per_try_timeout")) ?? 0,
    perTryIdleMs: decodeDuration(message.perTryIdleTimeout, scope.field("per_try_idle_timeout")) ?? 0,
    statusCodes: new Set(message.retriableStatusCodes),
    headers,
    requestHeaders,
    resetHeaders: (limited?.resetHeaders ?? []).map((h) => ({ name: h.name.toLowerCase(), unixTime: h.format === 1 })),
    resetMaxMs:
      decodeDuration(limited?.maxInterval, scope.field("rate_limited_retry_back_off.max_interval")) ?? 300_000,
    avoidPreviousHosts,
    omit,
    priorityFrequency: decodeRetryPriority(message, scope.field("retry_priority")),
    hostAttempts: Number(message.hostSelectionRetryMaxAttempts) || 1,
    backOffBaseMs: base,
    backOffMaxMs:
      decodeDuration(message.retryBackOff?.maxInterval, scope.field("retry_back_off.max_interval")) ?? base * 10,
  };
}

/** Errors: other kinds than previous_priorities, and a frequency of 0. */
function decodeRetryPriority(message: RetryPolicy, scope: DecodeScope): number {
  const priority = message.retryPriority;
  if (priority === undefined) return 0;
  const { value } = priority.configType;
  if (value === undefined || !value.typeUrl.endsWith(PreviousPrioritiesConfigSchema.typeName)) {
    scope.problem(`${priority.name} is not implemented; ${PREVIOUS_PRIORITIES} with its typed_config is`);
    return 0;
  }
  const { updateFrequency } = fromBinary(PreviousPrioritiesConfigSchema, value.value);
  if (updateFrequency <= 0) scope.field("typed_config.update_frequency").problem("at least 1");
  return updateFrequency;
}

/** What a request without a policy has when it asks to be tried again itself. Source: Envoy `RetryPolicyImpl`. */
export const PLAIN_RETRY: RetryPolicyConfig = {
  on: 0,
  retries: 1,
  perTryTimeoutMs: 0,
  perTryIdleMs: 0,
  statusCodes: new Set(),
  headers: [],
  requestHeaders: [],
  resetHeaders: [],
  resetMaxMs: 300_000,
  avoidPreviousHosts: false,
  omit: [],
  hostAttempts: 1,
  priorityFrequency: 0,
  backOffBaseMs: 25,
  backOffMaxMs: 250,
};

/** Conditions that a request header names; unknown ones are left out. `grpc`: those of `x-envoy-retry-grpc-on`. */
export function readRetryOn(text: string, grpc: boolean): number {
  let bits = 0;
  for (const word of text.split(",")) {
    const bit = BITS.get(word.trim()) ?? 0;
    if (bit >= RETRY_ON.cancelled === grpc) bits |= bit;
  }
  return bits;
}

const BITS: ReadonlyMap<string, number> = new Map(Object.entries(RETRY_ON));

function retryBits(text: string, scope: DecodeScope): number {
  let bits = 0;
  for (const word of text.split(",")) {
    const name = word.trim();
    if (name === "") continue;
    const bit = BITS.get(name);
    if (bit === undefined) scope.problem(`${name} is not a retry condition; known are ${[...BITS.keys()].join(", ")}`);
    else bits |= bit;
  }
  return bits;
}
