import { readProxyHeader } from "@heddle/wire";
import type { ProxyProtocolConfig } from "../config/listener-filters.ts";
import type { SocketAddress } from "../transport/address.ts";

/** What the first bytes of a connection behind a load balancer say. */
export type ClientHeader =
  | { readonly kind: "incomplete" }
  | { readonly kind: "wrong"; readonly reason: string }
  | {
      readonly kind: "read";
      readonly bytes: number;
      /** Undefined: the balancer's own connection, or it did not say. */
      readonly source: SocketAddress | undefined;
      readonly destination: SocketAddress | undefined;
    };

const NONE: ClientHeader = { kind: "read", bytes: 0, source: undefined, destination: undefined };

/** Reads a PROXY header. Source: Envoy `envoy.filters.listener.proxy_protocol`, HAProxy proxy-protocol.txt. */
export function readClientHeader(bytes: Uint8Array, config: ProxyProtocolConfig): ClientHeader {
  const first = bytes[0];
  if (first === undefined) return { kind: "incomplete" };
  const looksLikeV1 = first === 0x50;
  const allowed = looksLikeV1 ? config.allowV1 : config.allowV2;
  const read = readProxyHeader(bytes);
  if (read === undefined) return { kind: "incomplete" };
  if (!read.ok) return config.optional ? NONE : { kind: "wrong", reason: read.error };
  if (!allowed) return { kind: "wrong", reason: `version ${looksLikeV1 ? 1 : 2} of the header is not allowed` };
  const { header } = read.value;
  const ip = header.kind === "proxied" && (header.family === "ipv4" || header.family === "ipv6");
  const address = (end: typeof header.source): SocketAddress | undefined =>
    ip && end !== undefined ? { ip: end.host, port: end.port } : undefined;
  return {
    kind: "read",
    bytes: read.value.bytes,
    source: address(header.source),
    destination: address(header.destination),
  };
}
