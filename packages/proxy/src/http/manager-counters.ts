import { Histogram } from "../counters/histogram.ts";

/** Counters of a connection manager; Envoy's `http.<prefix>.` statistics. */
export class HttpManagerCounters {
  connectionsTotal = 0;
  connectionsActive = 0;
  connectionsHttp1 = 0;
  connectionsHttp1Active = 0;
  connectionsHttp2 = 0;
  connectionsHttp2Active = 0;
  connectionsTls = 0;
  connectionsTlsActive = 0;
  destroyedLocal = 0;
  destroyedRemote = 0;
  /** Of those that ended while a request was under way. */
  destroyedLocalBusy = 0;
  destroyedRemoteBusy = 0;
  idleTimeouts = 0;
  maxDuration = 0;
  maxRequests = 0;
  drainCloses = 0;
  upgrades = 0;
  upgradesActive = 0;
  bytesReceived = 0;
  bytesSent = 0;
  protocolErrors = 0;
  /** HTTP/2 clients that answered no PING. */
  keepAliveTimeouts = 0;
  requestsTotal = 0;
  requestsActive = 0;
  requestsHttp1 = 0;
  requestsHttp2 = 0;
  /** Answered, or refused before they were complete. */
  completed = 0;
  receivedResets = 0;
  sentResets = 0;
  earlyAnswers = 0;
  streamIdleTimeouts = 0;
  requestTimeouts = 0;
  headerTimeouts = 0;
  streamMaxDuration = 0;
  tooLarge = 0;
  refusedPaths = 0;
  redirectedPaths = 0;
  refusedUpgrades = 0;
  /** Requests that came as far as the router. */
  routed = 0;
  noRoute = 0;
  noCluster = 0;
  direct = 0;
  resetAfterStart = 0;
  /** Connections that their clients did not close in time. */
  delayedCloses = 0;
  redirectsTooMany = 0;
  /** Requests answered with 503, and connections ended, because the process is overloaded. */
  overloadClosed = 0;
  overloadNoKeepAlive = 0;
  readonly statusClasses = [0, 0, 0, 0, 0, 0];
  /** Units: ms. */
  readonly requestTime = new Histogram();
  /** Units: ms. */
  readonly connectionTime = new Histogram();
  /** Counts of filters by Envoy's names. */
  readonly filters = new Map<string, number>();
}

/** Fields that say what is now. */
export const HTTP_GAUGES: ReadonlySet<string> = new Set([
  "connectionsActive",
  "connectionsHttp1Active",
  "connectionsHttp2Active",
  "connectionsTlsActive",
  "upgradesActive",
  "requestsActive",
]);

/** Of one listener's part in a connection manager; Envoy's `listener.<address>.http.<prefix>.` statistics. */
export interface ListenerHttpCounters {
  completed: number;
  readonly statusClasses: number[];
}

export function createListenerHttpCounters(): ListenerHttpCounters {
  return { completed: 0, statusClasses: [0, 0, 0, 0, 0, 0] };
}
