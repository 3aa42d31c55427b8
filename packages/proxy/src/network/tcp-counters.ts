/** Counters of TCP proxies; Envoy's `tcp.<prefix>.` statistics. */
export class TcpCounters {
  connectionsTotal = 0;
  noRoute = 0;
  bytesReceived = 0;
  bytesSent = 0;
  idleTimeouts = 0;
  maxDuration = 0;
}
