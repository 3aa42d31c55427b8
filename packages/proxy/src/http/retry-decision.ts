import type { Clock } from "@heddle/std";
import { HEADER_ID, type RequestHead, type ResponseHead } from "@heddle/wire";
import type { CircuitLimits } from "../config/circuit-breakers.ts";
import { type LabelSet, RETRY_ON, type RetryPolicyConfig } from "../config/retry-policy.ts";
import type { ForwardAction } from "../config/route-action.ts";
import { matchesAnswerHeader, matchesHeader } from "../router/route-matcher.ts";
import type { Cluster } from "../upstream/cluster.ts";
import type { ClusterCounters } from "../upstream/counters.ts";
import type { UpstreamFailure } from "../upstream/failure.ts";
import type { Host } from "../upstream/host.ts";

const GRPC_BITS: Readonly<Record<string, number>> = {
  "1": RETRY_ON.cancelled,
  "4": RETRY_ON["deadline-exceeded"],
  "8": RETRY_ON["resource-exhausted"],
  "13": RETRY_ON.internal,
  "14": RETRY_ON.unavailable,
};

/** Whether a response asks for another try. Source: Envoy x-envoy-retry-on, x-envoy-retry-grpc-on. */
export function retriesResponse(policy: RetryPolicyConfig, head: ResponseHead): boolean {
  const { on } = policy;
  const { status, headers } = head;
  // What was limited on purpose is tried again only by the condition of its own, whatever its status.
  if (headers.hasId(HEADER_ID["x-envoy-ratelimited"])) return (on & RETRY_ON["envoy-ratelimited"]) !== 0;
  if (status >= 500) {
    if ((on & RETRY_ON["5xx"]) !== 0) return true;
    if ((on & RETRY_ON["gateway-error"]) !== 0 && status >= 502 && status <= 504) return true;
  }
  if (status === 409 && (on & RETRY_ON["retriable-4xx"]) !== 0) return true;
  if ((on & RETRY_ON["retriable-status-codes"]) !== 0 && policy.statusCodes.has(status)) return true;
  if ((on & RETRY_ON["retriable-headers"]) !== 0) {
    if (policy.headers.some((match) => matchesAnswerHeader(match, headers))) return true;
  }
  if (on < RETRY_ON.cancelled) return false;
  const grpcStatus = headers.getId(HEADER_ID["grpc-status"]);
  return grpcStatus !== undefined && (on & (GRPC_BITS[grpcStatus] ?? 0)) !== 0;
}

/** Whether a failure before any response asks for another try. `sent`: bytes of the request may have reached the server. */
export function retriesFailure(policy: RetryPolicyConfig, failure: UpstreamFailure, sent: boolean): boolean {
  const { on } = policy;
  const anyReset = RETRY_ON["5xx"] | RETRY_ON["gateway-error"] | RETRY_ON.reset;
  switch (failure.code) {
    case "connect-failed":
    case "connect-timeout":
    case "tls-failed":
      return (on & (RETRY_ON["connect-failure"] | RETRY_ON["reset-before-request"] | anyReset)) !== 0;
    case "refused-stream":
      return (on & (RETRY_ON["refused-stream"] | RETRY_ON["reset-before-request"] | anyReset)) !== 0;
    case "reset":
    case "connect-error":
    case "connection-closed":
    case "protocol":
      return (on & anyReset) !== 0 || (!sent && (on & RETRY_ON["reset-before-request"]) !== 0);
    case "max-stream":
    case "per-try-idle":
    case "per-try-timeout":
      return (on & (RETRY_ON["5xx"] | RETRY_ON["gateway-error"] | RETRY_ON.reset)) !== 0;
    case "no-cluster":
    case "no-healthy-host":
    case "overflow":
    case "timeout":
      return false;
  }
}

/** All tries of the policy were made. */
export function usedUp(policy: RetryPolicyConfig, attempts: number): boolean {
  return policy.retries > 0 && attempts > policy.retries;
}

/** Whether the cluster's circuit breaker lets one more retry through. */
export function mayRetry(cluster: Cluster | undefined): boolean {
  if (cluster === undefined) return false;
  if (cluster.counters.retries < maxRetries(cluster.config.limits, cluster.counters)) return true;
  cluster.counters.retryOverflow++;
  return false;
}

/** Hosts that a retry does not go to. Source: Envoy retry host predicates. */
export function avoidedHosts(
  policy: RetryPolicyConfig | undefined,
  tried: readonly Host[],
  cluster: Cluster,
): readonly Host[] {
  if (policy === undefined || tried.length === 0) return NO_HOSTS;
  const before = policy.avoidPreviousHosts ? tried : NO_HOSTS;
  if (policy.omit.length === 0) return before;
  return [...before, ...cluster.hosts.filter((host) => policy.omit.some((labels) => hasLabels(host, labels)))];
}

/** Priorities that a retry leaves out. Source: Envoy previous_priorities: once none is left that could serve, all are there again. */
export function excludedPriorities(
  policy: RetryPolicyConfig | undefined,
  tried: readonly Host[],
  cluster: Pick<Cluster, "hosts">,
): ReadonlySet<number> | undefined {
  const frequency = policy?.priorityFrequency ?? 0;
  if (frequency === 0 || tried.length < frequency) return undefined;
  const excluded = new Set<number>();
  let attempted: Host[] = [];
  for (const host of tried) {
    attempted.push(host);
    if (attempted.length % frequency !== 0) continue;
    for (const { priority } of attempted) excluded.add(priority);
    if (cluster.hosts.some(({ healthy, priority }) => healthy && !excluded.has(priority))) continue;
    excluded.clear();
    attempted = [];
  }
  return excluded;
}

function hasLabels(host: Host, labels: LabelSet): boolean {
  const own = host.endpoint?.lbLabels;
  return own !== undefined && labels.every(([key, value]) => own[key] === value);
}

const NO_HOSTS: readonly Host[] = [];

/** How many retries the cluster allows now. Source: Envoy `retry_budget`. */
function maxRetries(limits: CircuitLimits, counters: ClusterCounters): number {
  const budget = limits.retryBudget;
  if (budget === undefined) return limits.maxRetries;
  return Math.max(budget.minimum, Math.floor(budget.share * counters.requests));
}

/** Counts a retry and starts it when its time has come: full jitter over a window that doubles. Source: Envoy `retry_back_off`. */
export function backOff(
  policy: RetryPolicyConfig,
  attempts: number,
  head: ResponseHead | undefined,
  counters: ClusterCounters,
  around: { readonly clock: Clock; readonly random: () => number },
  start: () => void,
): void {
  const { clock, random } = around;
  counters.retries++;
  counters.retriesTotal++;
  const askedMs = askedDelayMs(policy, head, clock.now(), random);
  if (askedMs !== undefined) counters.retriesByServer++;
  const delayMs = askedMs ?? random() * Math.min(policy.backOffMaxMs, policy.backOffBaseMs * 2 ** (attempts - 1));
  clock.after(delayMs, () => {
    counters.retries--;
    start();
  });
}

/** What the server says of when to try again; undefined: nothing. Source: Envoy `rate_limited_retry_back_off`. Units: ms. */
function askedDelayMs(
  policy: RetryPolicyConfig,
  head: ResponseHead | undefined,
  nowMs: number,
  random: () => number,
): number | undefined {
  for (const reset of head === undefined ? NO_HEADERS : policy.resetHeaders) {
    const value = Number(head?.headers.get(reset.name));
    if (!Number.isInteger(value) || value <= 0) continue;
    const ms = reset.unixTime ? value * 1000 - nowMs : value * 1000;
    // As the server says, spread a little so that not all come back at once.
    if (ms > 0 && ms <= policy.resetMaxMs) return ms * (1 + random() / 2);
  }
  return undefined;
}

const NO_HEADERS: RetryPolicyConfig["resetHeaders"] = [];

/** The policy that holds for a request; undefined: it is not tried again. */
export function retryPolicyFor(action: ForwardAction, request: RequestHead): RetryPolicyConfig | undefined {
  const policy = action.retry;
  if (policy === undefined || policy.requestHeaders.length === 0) return policy;
  return policy.requestHeaders.some((match) => matchesHeader(match, request)) ? policy : undefined;
}

/** Methods that may be repeated without asking. Source: RFC 9110 9.2.2. */
export function isIdempotent(method: string): boolean {
  return (
    method === "GET" ||
    method === "HEAD" ||
    method === "OPTIONS" ||
    method === "PUT" ||
    method === "DELETE" ||
    method === "TRACE"
  );
}
