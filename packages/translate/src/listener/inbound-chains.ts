import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Mode } from "@heddle/config";
import type { InboundPort, InboundView } from "@heddle/model";
import { wireOf } from "@heddle/model";
import type {
  FilterChainMatchSchema,
  FilterChainSchema,
} from "@heddle/xds-api/envoy/config/listener/v3/listener_components";
import { networkAccess } from "../authorization/network-access.ts";
import { accessRules } from "../authorization/rbac.ts";
import { inboundClusterName, inboundPassthroughCluster } from "../cluster/fixed-clusters.ts";
import { connectionManager } from "../http/connection-manager.ts";
import { provenance, serviceMetadata } from "../provenance.ts";
import { inboundRoutes } from "../route/inbound-routes.ts";
import { downstreamMeshTls } from "../tls/mesh-tls.ts";
import { serverTls } from "../tls/server-tls.ts";
import { meshHttpProtocols, meshTcpProtocols, plainHttpProtocols } from "./inspectors.ts";
import { oneCluster, tcpFilters } from "./tcp-proxy.ts";

type FilterChain = MessageInitShape<typeof FilterChainSchema>;
type Match = MessageInitShape<typeof FilterChainMatchSchema>;

/** A port of the workload, or all ports that no service names. */
export interface ChainTarget {
  /** Undefined for the catch-all. */
  readonly number: number | undefined;
  readonly port: InboundPort | undefined;
  readonly mode: Mode;
}

/** How one kind of connection is recognised and carried. */
interface ChainKind {
  readonly name: string;
  readonly match: Match;
  readonly tls: boolean;
  readonly http: boolean;
}

const tls = "tls";
const meshHttp: ChainKind = {
  name: "mtls-http",
  match: { transportProtocol: tls, applicationProtocols: [...meshHttpProtocols] },
  tls: true,
  http: true,
};
const meshTcp: ChainKind = {
  name: "mtls-tcp",
  match: { transportProtocol: tls, applicationProtocols: [...meshTcpProtocols] },
  tls: true,
  http: false,
};
const meshAnyTcp: ChainKind = { name: "mtls-tcp", match: { transportProtocol: tls }, tls: true, http: false };
const meshAnyHttp: ChainKind = { name: "mtls-http", match: { transportProtocol: tls }, tls: true, http: true };
/** On an HTTP port mesh peers that offer the plain `istio` speak HTTP, too. */
const meshEither: ChainKind = {
  ...meshHttp,
  match: { transportProtocol: tls, applicationProtocols: [...meshHttpProtocols, ...meshTcpProtocols] },
};
const foreignTls: ChainKind = { name: "tls-passthrough", match: { transportProtocol: tls }, tls: false, http: false };
const plainHttp: ChainKind = {
  name: "http",
  match: { transportProtocol: "raw_buffer", applicationProtocols: [...plainHttpProtocols] },
  tls: false,
  http: true,
};
/** Without a condition on the transport, so that connections whose detection timed out come here as well. */
const anyHttp: ChainKind = { name: "http", match: {}, tls: false, http: true };
const anyTcp: ChainKind = { name: "tcp", match: {}, tls: false, http: false };

/** Which connections a port accepts, by its protocol and its PeerAuthentication mode. */
const accepted: Readonly<Record<"http" | "tcp" | "detect", Readonly<Record<Mode, readonly ChainKind[]>>>> = {
  http: {
    STRICT: [meshAnyHttp],
    PERMISSIVE: [meshEither, foreignTls, anyHttp],
    DISABLE: [foreignTls, anyHttp],
  },
  tcp: {
    STRICT: [meshAnyTcp],
    PERMISSIVE: [
      {
        ...meshTcp,
        match: { transportProtocol: tls, applicationProtocols: [...meshTcpProtocols, ...meshHttpProtocols] },
      },
      foreignTls,
      anyTcp,
    ],
    DISABLE: [anyTcp],
  },
  detect: {
    STRICT: [meshHttp, meshAnyTcp],
    // TLS of the application needs a chain of its own: once a chain asks for TLS, none without a condition is looked at for it.
    PERMISSIVE: [meshHttp, meshTcp, foreignTls, plainHttp, anyTcp],
    DISABLE: [plainHttp, anyTcp],
  },
};

/** The filter chains of one inbound port (or of the rest). */
export function inboundChains(view: InboundView, target: ChainTarget): readonly FilterChain[] {
  const wire = target.port === undefined ? "detect" : wireOf(target.port.servicePort.protocol);
  if (wire === "none") return [];
  const own = target.port?.tls;
  // TLS of the port's own, for callers outside of the mesh, takes the place of mesh mTLS.
  if (own !== undefined && own.mode !== "PASSTHROUGH" && own.mode !== "ISTIO_MUTUAL") {
    const http = wire !== "tcp" || target.port?.servicePort.protocol === "https";
    const socket = serverTls(own, http ? ["h2", "http/1.1"] : [], view.settings, view.proxy.dataPlane);
    return [filterChain(view, target, http ? meshAnyHttp : meshAnyTcp, socket)];
  }
  return accepted[wire][target.mode].map((kind) => filterChain(view, target, kind));
}

function filterChain(
  view: InboundView,
  target: ChainTarget,
  kind: ChainKind,
  ownTls?: FilterChain["transportSocket"],
): FilterChain {
  const { settings, proxy } = view;
  const label = target.number === undefined ? "virtualInbound-catchall" : `0.0.0.0_${target.number}`;
  const cluster = target.port === undefined ? inboundPassthroughCluster : inboundClusterName(target.port.number);
  const policies = view.mtls.decidedBy.map((id) => {
    const [namespace = "", name = ""] = id.split("/");
    return { group: "security.istio.io", kind: "PeerAuthentication", namespace, name };
  });
  const { modeAt, portsAt } = view.mtls;
  const decided = { mtls: (target.number === undefined ? undefined : portsAt[target.number]) ?? modeAt };
  return {
    name: `${label}-${kind.name}`,
    filterChainMatch: { ...kind.match, ...(target.number === undefined ? {} : { destinationPort: target.number }) },
    filters: kind.http
      ? [
          connectionManager({
            direction: "inbound",
            statPrefix: `inbound_${label}`,
            dataPlane: proxy.dataPlane,
            mesh: settings.mesh,
            tracing: view.tracing,
            metrics: view.metrics,
            routes: inboundRoutes(cluster, target.port),
            access: accessRules(view.authorization, settings, true),
          }),
        ]
      : [
          ...networkAccess(view.authorization, settings),
          ...tcpFilters(
            oneCluster(cluster),
            { dataPlane: proxy.dataPlane, mesh: settings.mesh, metrics: view.metrics },
            "inbound",
          ),
        ],
    // The codec is found from the bytes: h2 and http/1.1 are what stock clients may negotiate.
    ...(kind.tls
      ? { transportSocket: ownTls ?? downstreamMeshTls(kind.http ? ["h2", "http/1.1"] : [], settings) }
      : {}),
    metadata:
      target.port === undefined
        ? provenance(policies, decided)
        : serviceMetadata(target.port.service, policies, decided),
  };
}
