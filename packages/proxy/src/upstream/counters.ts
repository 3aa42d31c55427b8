import type { CircuitLimits } from "../config/circuit-breakers.ts";

export type ClusterLimits = CircuitLimits;

/** Running counts of a cluster; Envoy's `cluster.<name>.` statistics. */
export interface ClusterCounters {
  /** Open or being opened. */
  connections: number;
  connectionsTotal: number;
  connectFailures: number;
  connectionOverflow: number;
  pending: number;
  pendingOverflow: number;
  requests: number;
  requestsTotal: number;
  requestOverflow: number;
  retries: number;
  retriesTotal: number;
  retryOverflow: number;
  timeouts: number;
  protocolErrors: number;
  /** By class: index 1 for 1xx to 5 for 5xx. */
  readonly statusClasses: number[];
  tcpConnectionsTotal: number;
  bytesReceived: number;
  bytesSent: number;
  /** Counts of filters by Envoy's names; empty mostly. */
  readonly named: Map<string, number>;
}

export function createClusterCounters(): ClusterCounters {
  return {
    connections: 0,
    connectionsTotal: 0,
    connectFailures: 0,
    connectionOverflow: 0,
    pending: 0,
    pendingOverflow: 0,
    requests: 0,
    requestsTotal: 0,
    requestOverflow: 0,
    retries: 0,
    retriesTotal: 0,
    retryOverflow: 0,
    timeouts: 0,
    protocolErrors: 0,
    statusClasses: [0, 0, 0, 0, 0, 0],
    tcpConnectionsTotal: 0,
    bytesReceived: 0,
    bytesSent: 0,
    named: new Map(),
  };
}
