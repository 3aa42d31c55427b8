import type { ClientConnection } from "@heddle/wire";
import type { Connection, PeerIdentity } from "../transport/connection.ts";
import type { UpstreamFailure } from "./failure.ts";

/** A connection of a pool, ready for a request. */
export interface PooledConnection {
  readonly http: ClientConnection;
  /** The socket; for what is told of it. */
  readonly socket: Connection;
  readonly localText: string;
  readonly peer: PeerIdentity | undefined;
  readonly secure: boolean;
  /** Requests that it has carried. */
  requests: number;
  /** A request was under way when it ended. */
  brokeOff: boolean;
  /** It stood idle before its first request. */
  waited: boolean;
}

/** A request that needs a connection. One of both is called once, possibly before `acquire` returns. */
export interface PoolWaiter {
  onConnection(connection: PooledConnection): void;
  onPoolFailure(failure: UpstreamFailure): void;
}

/** The connections of one host for one protocol and one kind of transport. States and transitions: LIFECYCLE.md. */
export interface HostPool {
  readonly protocol: "http1" | "http2";
  /** Differs where connections of one kind can't serve requests of another. */
  readonly transportKey: unknown;
  /** The name that TLS asks for, where requests give it. */
  readonly serverName: string | undefined;
  /** `fresh`: rather one that is yet to be made than one that stands idle; a server that ended one idle connection may just have ended them all. */
  acquire(waiter: PoolWaiter, fresh?: boolean): void;
  /** The waiter went away before it got a connection. */
  cancel(waiter: PoolWaiter): void;
  /** No new requests; connections close when their requests are done. */
  drain(): void;
  /** Closes everything at once. */
  close(): void;
  /** Brings the cluster's byte counts up to date. */
  countBytes(): void;
  /** Makes a connection for a stream that is expected, where there are fewer than `ratio` for each stream. False: none was made. */
  preconnect(ratio: number): boolean;
  readonly connections: number;
  readonly pending: number;
  /** Streams under way. */
  readonly active: number;
  /** Streams that could start now, or as soon as the connections under way are there. */
  readonly capacity: number;
}
