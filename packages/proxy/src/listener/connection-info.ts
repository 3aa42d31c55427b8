import type { JsonValue } from "@bufbuild/protobuf";
import type { FilterState } from "../config/filter-state.ts";
import type { ForeignMetadata } from "../config/resource-source.ts";
import type { SocketAddress } from "../transport/address.ts";
import { formatAddress } from "../transport/address.ts";
import type { Connection, TlsState } from "../transport/connection.ts";

/** What is known of an accepted connection, for everything above the transport. */
export interface ConnectionInfo {
  readonly id: number;
  /** Where the client wanted to go (the original destination when redirected). */
  readonly local: SocketAddress;
  /** The same, unless the client came to this listener's own address: no cluster may lead back there. */
  readonly original: SocketAddress | undefined;
  /** The client; behind a balancer, the one that its PROXY header names. */
  readonly remote: SocketAddress;
  /** The other end of the connection itself. */
  readonly directIp: string;
  readonly localText: string;
  readonly remoteText: string;
  readonly direction: "inbound" | "outbound" | "unspecified";
  readonly tls: TlsState | undefined;
  /** First URI name of the peer; "" without mTLS. */
  readonly principal: string;
  readonly sni: string;
  /** "" where the listener takes none. */
  readonly ja3: string;
  readonly ja4: string;
  /** The connection itself, for what is asked of it while it is open. */
  readonly socket: Pick<Connection, "tlsSession" | "roundTripMs">;
  /** Our own URI name towards this client; "" without TLS. */
  readonly localUri: string;
  readonly chainName: string;
  readonly listenerName: string;
  readonly listenerMetadata: ForeignMetadata;
  readonly chainMetadata: ForeignMetadata;
  /** From the accept to the end of the TLS handshake. Units: ms; -1: no TLS. */
  readonly handshakeMs: number;
  /** What network filters put beside the connection; undefined: nothing. */
  filterState: FilterState | undefined;
  /** What network filters say of the connection, by filter name; undefined: nothing. */
  metadata: Map<string, JsonValue> | undefined;
  /** Protocols that replace the upstream's ALPN; undefined: what the cluster says. */
  readonly upstreamAlpn: readonly string[] | undefined;
  /** Name of the policy that let it in; "": none had to. */
  allowedBy: string;
  /** Our element of x-forwarded-client-cert, once it was needed. */
  clientCertElement: string | undefined;
}

export function describeConnection(
  connection: Connection,
  local: SocketAddress,
  remote: SocketAddress,
  place: Pick<
    ConnectionInfo,
    | "original"
    | "direction"
    | "chainName"
    | "chainMetadata"
    | "listenerName"
    | "listenerMetadata"
    | "upstreamAlpn"
    | "sni"
    | "ja3"
    | "ja4"
    | "localUri"
    | "handshakeMs"
    | "metadata"
  >,
): ConnectionInfo {
  return {
    id: connection.id,
    socket: connection,
    local,
    remote,
    directIp: connection.remote.ip,
    localText: formatAddress(local),
    remoteText: formatAddress(remote),
    tls: connection.tls,
    principal: connection.tls?.peer?.uriSans[0] ?? "",
    ...place,
    filterState: undefined,
    allowedBy: "",
    clientCertElement: undefined,
  };
}
