import type { ConnectionInfo } from "../listener/connection-info.ts";
import type { Connection } from "../transport/connection.ts";
import type { Cluster } from "../upstream/cluster.ts";
import type { Host } from "../upstream/host.ts";

/** What telemetry may know of a proxied TCP connection. */
export interface TcpRecord {
  readonly connection: ConnectionInfo;
  readonly cluster: Cluster | undefined;
  readonly clusterName: string;
  readonly host: Host | undefined;
  readonly upstreamLocal: string;
  readonly upstreamSecure: boolean;
  readonly upstreamPrincipal: string;
  readonly flags: string;
  readonly details: string;
  readonly transportFailure: string;
  /** Why we closed the client's connection, and the upstream's, in Envoy's words; "": we did not. */
  readonly closeReason: string;
  readonly upstreamCloseReason: string;
  /** Why a network filter or the handshake's time ended it; "": neither. */
  readonly termination: string;
  /** Why the TLS handshake with the client failed; "": it did not. */
  readonly handshakeFailure: string;
  /** Which side broke off the client's connection. */
  readonly clientReset: "" | "LocalReset" | "RemoteReset";
  readonly upstream: Connection | undefined;
  /** The server broke the connection off. */
  readonly upstreamReset: boolean;
  readonly failedTries: readonly { readonly host: Host }[];
  readonly attempts: number;
  readonly upstreamWantedMs: number;
  readonly upstreamReadyMs: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly startTime: number;
  /** A TCP proxy is the last filter, whether or not it had the connection. */
  readonly proxied: boolean;
  readonly logType: TcpLogType;
  /** What HTTP was spoken, in Envoy's words; "" without HTTP. */
  readonly protocol: string;
}

/** Which line of a log it is; `NotSet` is the listener's own. Source: Envoy `AccessLogType`. */
export type TcpLogType = "NotSet" | "TcpConnectionStart" | "TcpUpstreamConnected" | "TcpPeriodic" | "TcpConnectionEnd";

/** Writes a line of a connection whenever it is asked to. */
export interface TcpLog {
  writeConnection(record: TcpRecord): void;
}

/** Takes events of TCP connections: metrics, access logs. */
export interface TcpObserver {
  onTcpOpened(record: TcpRecord): void;
  /** Every few seconds while it lasts, so that long connections are visible. */
  onTcpProgress(record: TcpRecord): void;
  onTcpDone(record: TcpRecord): void;
}
