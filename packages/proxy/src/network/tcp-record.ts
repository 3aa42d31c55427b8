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
  /** Set for the line of the listener's own log. */
  readonly atListener?: ListenerFacts;
}

/** What only the listener's own log tells of a connection. */
export interface ListenerFacts {
  /** "" without HTTP. */
  readonly protocol: string;
  /** Why a network filter closed it; "": none did. */
  readonly termination: string;
  /** Why the TLS handshake failed; "": it did not. */
  readonly handshakeFailure: string;
}

/** Takes events of TCP connections: metrics, access logs. */
export interface TcpObserver {
  onTcpOpened(record: TcpRecord): void;
  /** Every few seconds while it lasts, so that long connections are visible. */
  onTcpProgress(record: TcpRecord): void;
  onTcpDone(record: TcpRecord): void;
}
