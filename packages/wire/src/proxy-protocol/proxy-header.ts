/** What a load balancer in front says about the connection. */
export interface ProxyHeader {
  /** `local`: the balancer's own connection (health check); addresses are then those of the connection itself. */
  readonly kind: "proxied" | "local";
  /** `unknown` when the balancer did not say. */
  readonly family: "ipv4" | "ipv6" | "unix" | "unknown";
  readonly source: ProxyAddress | undefined;
  readonly destination: ProxyAddress | undefined;
  /** Version 2 type-length-values, in order; nested SSL values are left as bytes. */
  readonly tlvs: readonly ProxyTlv[];
}

export interface ProxyAddress {
  /** IPv4 dotted, IPv6 in RFC 5952 form, or a unix path. */
  readonly host: string;
  readonly port: number;
}

export interface ProxyTlv {
  readonly type: number;
  readonly value: Uint8Array;
}

/** A header that was read, and how many bytes it took. */
export interface ReadProxyHeader {
  readonly header: ProxyHeader;
  readonly bytes: number;
}

/** First twelve bytes of version 2. Source: HAProxy proxy-protocol.txt 2.2. */
export const PROXY_V2_SIGNATURE: readonly number[] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10];
