import type { Clock } from "@heddle/std";
import type { ListenerFacts, TcpObserver, TcpRecord } from "../network/tcp-record.ts";
import type { ConnectionInfo } from "./connection-info.ts";

/** How a connection ended that no TCP proxy tells of. */
export interface ConnectionEnd extends Partial<ListenerFacts> {
  readonly flags?: string;
  readonly details?: string;
  readonly bytesReceived?: number;
  readonly bytesSent?: number;
}

const NOTHING: ListenerFacts = { protocol: "", termination: "", handshakeFailure: "" };

/** Tells the listener's observers of a connection that HTTP served, or nobody. `openedMs`: of the monotonic clock. */
export function tellEnd(
  observers: readonly TcpObserver[],
  connection: ConnectionInfo,
  openedMs: number,
  clock: Clock,
  { flags = "-", details = "", bytesReceived = 0, bytesSent = 0, ...facts }: ConnectionEnd,
): void {
  const endMs = clock.monotonic();
  const record: TcpRecord = {
    connection,
    cluster: undefined,
    clusterName: "",
    host: undefined,
    upstreamLocal: "",
    upstreamSecure: false,
    upstreamPrincipal: "",
    flags,
    details,
    transportFailure: "",
    upstream: undefined,
    upstreamReset: false,
    failedTries: [],
    attempts: 0,
    upstreamWantedMs: -1,
    upstreamReadyMs: -1,
    bytesReceived,
    bytesSent,
    startMs: openedMs,
    endMs,
    startTime: clock.now() - (endMs - openedMs),
    atListener: { ...NOTHING, ...facts },
  };
  for (const observer of observers) observer.onTcpDone(record);
}

/** The same of a connection that a TCP proxy served. */
export function tellSession(observers: readonly TcpObserver[], session: TcpRecord): void {
  const record: TcpRecord = { ...session, atListener: NOTHING };
  for (const observer of observers) observer.onTcpDone(record);
}
