import type { Clock } from "@heddle/std";
import type { TcpLog, TcpObserver, TcpRecord } from "../network/tcp-record.ts";
import type { ConnectionInfo } from "./connection-info.ts";

type EndFacts =
  | "flags"
  | "details"
  | "bytesReceived"
  | "bytesSent"
  | "closeReason"
  | "upstreamCloseReason"
  | "termination"
  | "handshakeFailure"
  | "clientReset"
  | "protocol";

/** How a connection ended that no TCP proxy tells of. */
export type ConnectionEnd = Partial<Pick<TcpRecord, EndFacts>>;

/** Tells the listener's observers of a connection that HTTP served, or nobody; `logs` are those of a TCP proxy that it did not reach, undefined where there is none. `openedMs`: of the monotonic clock. */
export function tellEnd(
  observers: readonly TcpObserver[],
  connection: ConnectionInfo,
  openedMs: number,
  clock: Clock,
  end: ConnectionEnd,
  logs?: readonly TcpLog[],
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
    flags: "-",
    details: "",
    transportFailure: "",
    closeReason: "",
    termination: "",
    handshakeFailure: "",
    clientReset: "",
    protocol: "",
    upstream: undefined,
    upstreamReset: false,
    failedTries: [],
    attempts: 0,
    upstreamWantedMs: -1,
    upstreamReadyMs: -1,
    bytesReceived: 0,
    bytesSent: 0,
    startMs: openedMs,
    endMs,
    startTime: clock.now() - (endMs - openedMs),
    proxied: logs !== undefined,
    logType: "NotSet",
    ...end,
    upstreamCloseReason: logs === undefined ? "" : (end.upstreamCloseReason ?? ""),
  };
  for (const observer of observers) observer.onTcpDone(record);
  for (const log of logs ?? []) log.writeConnection({ ...record, logType: "TcpConnectionEnd" });
}

/** The same of a connection that a TCP proxy served. */
export function tellSession(observers: readonly TcpObserver[], session: TcpRecord): void {
  const record: TcpRecord = { ...session, logType: "NotSet" };
  for (const observer of observers) observer.onTcpDone(record);
}
