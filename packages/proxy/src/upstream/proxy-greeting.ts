import { type ProxyHeader, writeProxyV1, writeProxyV2 } from "@heddle/wire";
import type { SocketAddress } from "../transport/address.ts";
import type { ConnectionEnds } from "./cluster.ts";

/** The header tells the server who the client is; without one it is our own connection. */
export function proxyHeader(version: "v1" | "v2", client: ConnectionEnds | undefined): Uint8Array {
  const address = (end: SocketAddress) => ({ host: end.ip, port: end.port });
  const header: ProxyHeader = {
    kind: client === undefined ? "local" : "proxied",
    family: client?.remote.ip.includes(":") === true ? "ipv6" : "ipv4",
    source: client === undefined ? undefined : address(client.remote),
    destination: client === undefined ? undefined : address(client.local),
    tlvs: [],
  };
  return version === "v1" ? writeProxyV1(header) : writeProxyV2(header);
}
