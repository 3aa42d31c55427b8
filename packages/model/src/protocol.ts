/**
 * What a port speaks. `unset` means: detect from the first bytes; `udp` is never proxied.
 * Source: Istio's protocol selection rules (appProtocol first, then the port name's prefix).
 */
export type Protocol =
  | "http"
  | "http2"
  | "grpc"
  | "grpc-web"
  | "https"
  | "tls"
  | "tcp"
  | "mongo"
  | "mysql"
  | "redis"
  | "udp"
  | "unset";

export type Wire = "http" | "tcp" | "detect" | "none";

const byName: Readonly<Record<string, Protocol>> = {
  http: "http",
  http2: "http2",
  h2c: "http2",
  grpc: "grpc",
  "grpc-web": "grpc-web",
  https: "https",
  tls: "tls",
  tcp: "tcp",
  mongo: "mongo",
  mysql: "mysql",
  redis: "redis",
  udp: "udp",
};

/** The protocol of a name as ServiceEntry and Gateway ports give it (`HTTP`, `GRPC`, `TLS`); undefined for unknown and empty names. */
export function protocolNamed(name: string): Protocol | undefined {
  return byName[name.toLowerCase()];
}

const byAppProtocol: Readonly<Record<string, Protocol>> = {
  ...byName,
  "kubernetes.io/h2c": "http2",
  "kubernetes.io/ws": "http",
  "kubernetes.io/wss": "https",
  "linkerd.io/opaque": "tcp",
  "linkerd.io/tcp": "tcp",
};

/** SMTP, DNS, MySQL and MongoDB: the server speaks first, so waiting for the client's bytes would stall. Source: Istio. */
const serverFirstPorts: ReadonlySet<number> = new Set([25, 53, 3306, 27017]);

/** Linkerd's default opaque ports (2.11 and later). They are detected late, so an unnamed one is plain TCP. */
export const linkerdOpaquePorts: ReadonlySet<number> = new Set([25, 587, 3306, 4444, 5432, 6379, 9300, 11211]);

export interface PortDescription {
  readonly name: string;
  readonly number: number;
  readonly transport: string;
  readonly appProtocol: string;
  /** Declared opaque by annotation (`config.linkerd.io/opaque-ports`). */
  readonly opaque: boolean;
}

/** Chooses the protocol of a service port. */
export function selectProtocol(port: PortDescription): Protocol {
  if (port.transport === "UDP" || port.transport === "SCTP") return "udp";
  if (port.opaque) return "tcp";
  if (port.appProtocol !== "") {
    const known = byAppProtocol[port.appProtocol.toLowerCase()];
    if (known !== undefined) return known;
  }
  const name = port.name.toLowerCase();
  if (name === "grpc-web" || name.startsWith("grpc-web-")) return "grpc-web";
  const dash = name.indexOf("-");
  const prefix = dash < 0 ? name : name.slice(0, dash);
  const known = byName[prefix];
  if (known !== undefined) return known;
  return serverFirstPorts.has(port.number) || linkerdOpaquePorts.has(port.number) ? "tcp" : "unset";
}

/** How the proxy has to treat a protocol on the wire. */
export function wireOf(protocol: Protocol): Wire {
  switch (protocol) {
    case "http":
    case "http2":
    case "grpc":
    case "grpc-web":
      return "http";
    case "unset":
      return "detect";
    case "udp":
      return "none";
    default:
      return "tcp";
  }
}

/** True when the upstream has to be spoken to in HTTP/2. */
export function isHttp2(protocol: Protocol): boolean {
  return protocol === "http2" || protocol === "grpc";
}
