import type { GatewayServer, OutboundView } from "@heddle/model";

/** One socket of a gateway and the servers that share it. */
export interface GatewayPort {
  /** Address to bind; `0.0.0.0` unless the server says. */
  readonly bind: string;
  readonly number: number;
  /** What the first server made of the port: plain HTTP, TLS told apart by server name, or plain TCP. */
  readonly wire: GatewayWire;
  readonly servers: readonly GatewayServer[];
}

export type GatewayWire = "http" | "tls" | "tcp";

export function gatewayWire({ server }: GatewayServer): GatewayWire {
  switch (server.port.protocol) {
    case "HTTP":
    case "HTTP2":
    case "GRPC":
    case "GRPC-WEB":
      return "http";
    case "HTTPS":
    case "TLS":
      return "tls";
    default:
      return "tcp";
  }
}

/** True when the gateway ends TLS itself and reads HTTP inside. */
export function readsHttp({ server }: GatewayServer): boolean {
  return server.port.protocol === "HTTPS" && server.tls?.mode !== "PASSTHROUGH";
}

/** The sockets of a gateway. A server that wants another kind of port than an older one on the same socket has no effect. */
export function gatewayPorts(view: OutboundView): readonly GatewayPort[] {
  const ports = new Map<string, { bind: string; number: number; wire: GatewayWire; servers: GatewayServer[] }>();
  for (const entry of view.gateway ?? []) {
    for (const number of entry.ports) {
      const bind = entry.server.bind ?? "0.0.0.0";
      const key = `${bind}_${number}`;
      const found = ports.get(key);
      if (found === undefined) ports.set(key, { bind, number, wire: gatewayWire(entry), servers: [entry] });
      else if (found.wire === gatewayWire(entry)) found.servers.push(entry);
    }
  }
  return [...ports.values()];
}

/** The name of the route configuration of a port, or of a server that ends TLS. Source: Istio. */
export function gatewayRouteName(port: GatewayPort, server: GatewayServer): string {
  if (port.wire === "http") return port.bind === "0.0.0.0" ? `http.${port.number}` : `http.${port.bind}.${port.number}`;
  const { gateway } = server;
  return `https.${port.number}.${server.server.port.name}.${gateway.name}.${gateway.namespace}`;
}
