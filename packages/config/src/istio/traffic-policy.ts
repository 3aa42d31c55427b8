import { list, map, message } from "../schema/compound.ts";
import { boolean, double, duration, int, oneOf, port, string, uint32 } from "../schema/scalar.ts";
import { deprecated, type Infer, refine, required, unavailable, withDefault } from "../schema/schema.ts";
import { headerName, lineText } from "./http-text.ts";
import { portSelector } from "./selector.ts";

/** What Envoy and gRPC libraries take; one cluster above it and they refuse the whole update. Source: Envoy `RingHashLbConfig`, gRFC A42. */
const ringSize = int(0, 8_388_608);

/** Source: Envoy `MaglevLbConfig`: a prime number, at most 5,000,011. */
const maglev = message(
  "MagLev",
  { tableSize: int(0, 5_000_011) },
  {
    check(value, path, sink) {
      if (value.tableSize !== undefined && value.tableSize !== 0 && !isPrime(value.tableSize))
        sink.error(`${path}.tableSize`, `must be a prime number, is ${value.tableSize}; Envoy's own default is 65537`);
    },
  },
);

function isPrime(number: number): boolean {
  if (number < 2) return false;
  for (let divisor = 2; divisor * divisor <= number; divisor++) if (number % divisor === 0) return false;
  return true;
}

/** Source: RFC 6066 3; Envoy takes 255 bytes. */
const serverName = refine(lineText, (text) => (text.length > 255 ? "is longer than 255 characters" : undefined));

const consistentHash = message(
  "ConsistentHashLB",
  {
    httpHeaderName: headerName,
    httpCookie: message("HTTPCookie", {
      name: required(headerName),
      path: withDefault(lineText, ""),
      ttl: duration(),
      attributes: list(message("Attribute", { name: required(headerName), value: withDefault(lineText, "") })),
    }),
    useSourceIp: boolean(),
    httpQueryParameterName: refine(lineText, (text) => (text === "" ? "is empty; name a parameter" : undefined)),
    ringHash: message("RingHash", { minimumRingSize: ringSize }),
    maglev,
    minimumRingSize: deprecated(ringSize, "use ringHash.minimumRingSize"),
  },
  {
    exactlyOne: [["httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName"]],
    exclusive: [["ringHash", "maglev"]],
  },
);

const failover = message("Failover", { from: required(string()), to: required(string()) });

export const localityLbSetting = message(
  "LocalityLoadBalancerSetting",
  {
    distribute: list(message("Distribute", { from: required(string()), to: map(uint32()) })),
    failover: list(failover),
    failoverPriority: list(string()),
    enabled: boolean(),
  },
  {
    check(value, path, sink) {
      if (value.distribute.length > 0 && value.failover.length > 0)
        sink.error(path, "only one of distribute, failover may be set");
      value.distribute.forEach((entry, index) => {
        const total = Object.values(entry.to).reduce((sum, weight) => sum + weight, 0);
        if (total !== 100)
          sink.error(`${path}.distribute[${index}].to`, `weights have to add up to 100, they give ${total}`);
      });
      value.failover.forEach((entry, index) => {
        if (entry.from === entry.to) sink.error(`${path}.failover[${index}]`, "from and to are the same region");
      });
    },
  },
);

const loadBalancer = message(
  "LoadBalancerSettings",
  {
    simple: oneOf("UNSPECIFIED", "LEAST_CONN", "RANDOM", "PASSTHROUGH", "ROUND_ROBIN", "LEAST_REQUEST"),
    consistentHash,
    localityLbSetting,
    zoneAwareLbSetting: unavailable(
      message("ZoneAwareLoadBalancerSetting", {
        enabled: boolean(),
        failover: list(failover),
        failoverPriority: list(string()),
        minClusterSize: int(0),
      }),
      "shares by zone are not computed; use localityLbSetting, or trafficDistribution of the Service",
    ),
    warmupDurationSecs: deprecated(duration(), "use warmup"),
    warmup: message("WarmupConfiguration", {
      duration: required(duration(1)),
      minimumPercent: double(0, 100),
      aggression: double(1),
    }),
  },
  {
    exclusive: [
      ["simple", "consistentHash"],
      ["warmup", "warmupDurationSecs"],
    ],
  },
);

/** Why lists of revoked certificates are refused. */
export const noRevocation = "lists of revoked certificates are not available; take the CA away instead";

export const tcpKeepalive = message("TcpKeepalive", { probes: int(0), time: duration(), interval: duration() });

export const connectionPool = message("ConnectionPoolSettings", {
  tcp: message("TCPSettings", {
    maxConnections: int(0),
    connectTimeout: duration(1),
    tcpKeepalive,
    maxConnectionDuration: duration(1),
    idleTimeout: duration(),
  }),
  http: message("HTTPSettings", {
    http1MaxPendingRequests: int(0),
    http2MaxRequests: int(0),
    maxRequestsPerConnection: int(0),
    maxRetries: int(0),
    idleTimeout: duration(),
    h2UpgradePolicy: oneOf("DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"),
    useClientProtocol: withDefault(boolean(), false),
    maxConcurrentStreams: int(0),
    http2KeepAlive: message("ConnectionKeepalive", { interval: duration(1), timeout: duration(1) }),
  }),
});

export const outlierDetection = message("OutlierDetection", {
  consecutiveErrors: deprecated(int(0), "use consecutive5xxErrors or consecutiveGatewayErrors"),
  splitExternalLocalOriginErrors: withDefault(boolean(), false),
  consecutiveLocalOriginFailures: uint32(),
  consecutiveGatewayErrors: uint32(),
  consecutive5xxErrors: uint32(),
  interval: duration(1),
  baseEjectionTime: duration(1),
  maxEjectionPercent: int(0, 100),
  minHealthPercent: int(0, 100),
  outlierDetectionHttpErrorCodes: unavailable(
    list(int(100, 599)),
    "which codes count as errors can't be chosen; consecutive5xxErrors counts 5xx, consecutiveGatewayErrors 502, 503 and 504",
  ),
});

export const clientTls = message(
  "ClientTLSSettings",
  {
    mode: withDefault(oneOf("DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"), "DISABLE"),
    clientCertificate: string(),
    privateKey: string(),
    caCertificates: string(),
    credentialName: string(),
    subjectAltNames: list(string()),
    sni: serverName,
    insecureSkipVerify: boolean(),
    caCrl: unavailable(string(), noRevocation),
  },
  {
    check(value, path, sink) {
      const files = value.clientCertificate !== undefined && value.privateKey !== undefined;
      if (value.mode === "MUTUAL" && value.credentialName === undefined && !files) {
        sink.error(path, "MUTUAL needs credentialName, or clientCertificate and privateKey");
      }
      if (
        value.mode === "ISTIO_MUTUAL" &&
        (files || value.credentialName !== undefined || value.caCertificates !== undefined)
      ) {
        sink.error(path, "ISTIO_MUTUAL uses the mesh's own certificates; leave the others out");
      }
    },
  },
);

const tunnel = message("TunnelSettings", {
  protocol: withDefault(oneOf("CONNECT", "POST"), "CONNECT"),
  targetHost: required(string()),
  targetPort: required(port()),
});

const common = { loadBalancer, connectionPool, outlierDetection, tls: clientTls } as const;

export const trafficPolicy = message("TrafficPolicy", {
  ...common,
  portLevelSettings: list(message("PortTrafficPolicy", { port: required(portSelector), ...common })),
  tunnel: unavailable(tunnel, "TCP is not tunnelled over CONNECT; route to an egress gateway instead"),
  proxyProtocol: message("ProxyProtocol", { version: withDefault(oneOf("V1", "V2"), "V1") }),
  retryBudget: message("RetryBudget", {
    percent: double(0, 100),
    minRetryConcurrency: int(0),
    budgetInterval: duration(),
  }),
});

export type TrafficPolicy = Infer<typeof trafficPolicy>;
export type LoadBalancerSettings = Infer<typeof loadBalancer>;
export type ConnectionPool = Infer<typeof connectionPool>;
export type OutlierDetectionSettings = Infer<typeof outlierDetection>;
export type ClientTls = Infer<typeof clientTls>;
export type LocalityLbSetting = Infer<typeof localityLbSetting>;
