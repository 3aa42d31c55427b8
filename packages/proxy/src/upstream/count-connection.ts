import type { TlsState } from "../transport/connection.ts";
import type { ClusterCounters } from "./counters.ts";
import type { UpstreamFailure } from "./failure.ts";

/** A connection whose bytes are counted. */
interface CountedConnection {
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** Counts the bytes of one connection as they come; what was counted is not counted again. */
export class ByteCount {
  readonly #connection: CountedConnection;
  #received = 0;
  #sent = 0;

  constructor(connection: CountedConnection) {
    this.#connection = connection;
  }

  addTo(counters: { bytesReceived: number; bytesSent: number }): void {
    const { bytesIn, bytesOut } = this.#connection;
    counters.bytesReceived += bytesIn - this.#received;
    counters.bytesSent += bytesOut - this.#sent;
    this.#received = bytesIn;
    this.#sent = bytesOut;
  }
}

/** Counts a connection that is gone. `ms`: how long it was open. */
export function countDestroyed(counters: ClusterCounters, here: boolean, busy: boolean, ms: number): void {
  counters.connectionsDestroyed++;
  if (here) counters.destroyedLocal++;
  else counters.destroyedRemote++;
  if (busy && here) counters.destroyedLocalBusy++;
  else if (busy) counters.destroyedRemoteBusy++;
  counters.connectionTime.record(ms);
}

/** Counts an attempt that brought no connection. */
export function countDialFailure(counters: ClusterCounters, failure: UpstreamFailure, ms: number): void {
  const timedOut = failure.code === "connect-timeout";
  // Source: Envoy: what timed out is not a failure of the connection, but both are of the attempt.
  if (timedOut) counters.connectTimeouts++;
  counters.connectFailures++;
  countDestroyed(counters, timedOut, false, ms);
  if (failure.code !== "tls-failed") return;
  if (failure.cause.includes("SAN matcher")) counters.tlsNameErrors++;
  else if (failure.cause.includes("CERTIFICATE_VERIFY_FAILED")) counters.tlsChainErrors++;
  else if (failure.cause.includes("sent no certificate")) counters.tlsNoCertificate++;
  counters.tlsErrors++;
}

/** Counts a finished handshake with a server. */
export function countHandshake(counters: ClusterCounters, { version, reused }: TlsState): void {
  counters.tlsHandshakes++;
  if (reused) counters.tlsReused++;
  counters.tls ??= new Map();
  const name = `versions.${version}`;
  counters.tls.set(name, (counters.tls.get(name) ?? 0) + 1);
}
