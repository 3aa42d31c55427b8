import type { CircuitLimits } from "../config/circuit-breakers.ts";
import { Histogram } from "../counters/histogram.ts";
import { ResponseCodes } from "../counters/response-codes.ts";

export type ClusterLimits = CircuitLimits;

/** Answers by status, and how long they took. */
export class Answers {
  readonly codes = new ResponseCodes();
  /** From the end of the request to the end of the answer. Units: ms. */
  readonly time = new Histogram();

  reset(): void {
    this.codes.reset();
    this.time.reset();
  }
}

/** Running counts of a cluster; Envoy's `cluster.<name>.` statistics. */
export class ClusterCounters {
  /** Open or being opened. */
  connections = 0;
  connectionsTotal = 0;
  connectFailures = 0;
  connectTimeouts = 0;
  connectionOverflow = 0;
  connectionsHttp1 = 0;
  connectionsHttp2 = 0;
  connectionsDestroyed = 0;
  destroyedLocal = 0;
  destroyedRemote = 0;
  /** Of those that ended while a request was under way. */
  destroyedLocalBusy = 0;
  destroyedRemoteBusy = 0;
  connectionIdleTimeouts = 0;
  connectionMaxDuration = 0;
  connectionMaxRequests = 0;
  noHealthyHost = 0;
  attemptsExceeded = 0;
  pending = 0;
  pendingTotal = 0;
  pendingOverflow = 0;
  pendingFailures = 0;
  /** From the choice of the host on. */
  requests = 0;
  /** From the connection on. */
  requestsTotal = 0;
  requestOverflow = 0;
  cancelled = 0;
  receivedResets = 0;
  sentResets = 0;
  retries = 0;
  retriesTotal = 0;
  retriesByServer = 0;
  retrySuccess = 0;
  retryOverflow = 0;
  retriesUsedUp = 0;
  timeouts = 0;
  tryTimeouts = 0;
  tryIdleTimeouts = 0;
  streamMaxDuration = 0;
  redirectsFollowed = 0;
  redirectsFailed = 0;
  protocolErrors = 0;
  /** Connections whose peer answered no PING. */
  keepAliveTimeouts = 0;
  bytesReceived = 0;
  bytesSent = 0;
  membershipChanges = 0;
  updateAttempts = 0;
  updateSuccesses = 0;
  updateFailures = 0;
  panics = 0;
  /** Of zone-aware routing. */
  zoneRecalculated = 0;
  zoneDirect = 0;
  zoneSampled = 0;
  zoneCross = 0;
  zoneNoCapacity = 0;
  zoneTooSmall = 0;
  localNotOk = 0;
  subsetsSelected = 0;
  subsetsFallback = 0;
  tlsHandshakes = 0;
  tlsReused = 0;
  tlsErrors = 0;
  tlsNoCertificate = 0;
  tlsChainErrors = 0;
  tlsNameErrors = 0;
  checkAttempts = 0;
  checkSuccesses = 0;
  checkFailures = 0;
  checkNetworkFailures = 0;
  /** All answers that clients got, the proxy's own for a failed upstream among them. */
  readonly answers = new Answers();
  /** Of those to requests that were marked internal (`x-envoy-internal`); undefined: there was none. */
  internal: Answers | undefined = undefined;
  /** Of those from endpoints that are canaries. */
  canary: Answers | undefined = undefined;
  /** Answers that were followed by another try. */
  retried: ResponseCodes | undefined = undefined;
  /** Units: ms. */
  readonly connectTime = new Histogram();
  /** Units: ms. */
  readonly connectionTime = new Histogram();
  readonly requestsOfConnections = new Histogram();
  /** TLS as it was agreed on, `versions.TLSv1.3`; bounded by what the library offers. */
  tls: Map<string, number> | undefined = undefined;
  /** Counts of filters by Envoy's names; empty mostly. */
  readonly named = new Map<string, number>();
}

/** Fields that say what is now; a reset leaves them, and a cluster that replaces another begins them anew. */
export const CLUSTER_GAUGES: ReadonlySet<string> = new Set(["connections", "pending", "requests", "retries"]);

/** `before`: of the cluster of the same name until now; what it has counted goes on, so that no counter falls because of an update. */
export function createClusterCounters(before?: ClusterCounters): ClusterCounters {
  const counters = new ClusterCounters();
  if (before === undefined) return counters;
  for (const [key, value] of Object.entries(before)) {
    if (CLUSTER_GAUGES.has(key)) continue;
    Reflect.set(counters, key, value);
  }
  return counters;
}
