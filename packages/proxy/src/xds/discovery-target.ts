import { type ChannelCredentials, credentials } from "@grpc/grpc-js";
import type { Logger } from "@heddle/std";
import type { DiscoveryServer } from "../config/config-origin.ts";
import type { ConfigAddress } from "../config/socket-address.ts";
import type { UpstreamTlsConfig } from "../config/tls-context.ts";
import { acceptsPeer } from "../tls/san-check.ts";
import { peerNames } from "../transport/tls-state.ts";
import type { ClusterSet } from "../upstream/cluster-set.ts";
import type { DiscoveryTarget } from "./discovery-stream.ts";

/** Sent where the cluster says no `sni`: the library has no way to send none. */
const UNNAMED = "discovery";

/** The discovery server over TLS as its cluster says; certificates in place only. */
function adsCredentials(tls: UpstreamTlsConfig | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const pem = (text: string | undefined) => (text === undefined ? null : Buffer.from(text));
  const pair = tls.certificate.kind === "inline" ? tls.certificate.pair : undefined;
  return credentials.createSsl(
    pem(tls.validation.own.trustedCa),
    pem(pair?.privateKey),
    pem(pair?.certificateChain),
    // Names are accepted as the cluster says, which is not by the address that was dialled.
    {
      checkServerIdentity: (_host, { subjectaltname = "" }) => {
        const names = peerNames(subjectaltname);
        if (acceptsPeer(tls.validation.own.sans, names)) return undefined;
        const found = [...names.uriSans, ...names.dnsSans].join(", ") || "none";
        return new Error(
          `the discovery server's certificate has none of the names that its cluster accepts; it has ${found}`,
        );
      },
    },
  );
}

/** How the server that a cluster of the bootstrap holds is dialled. Errors: undefined for a cluster without an endpoint, with a line in the log. */
export function discoveryTarget(
  { cluster: name, authority, metadata }: DiscoveryServer,
  clusters: Pick<ClusterSet, "get">,
  log: Logger,
): DiscoveryTarget | undefined {
  const cluster = clusters.get(name)?.config;
  const host = cluster?.discovery;
  const tls = cluster?.tls;
  const endpoint =
    host !== undefined && "assignment" in host ? host.assignment.localities[0]?.endpoints[0]?.address : undefined;
  if (endpoint === undefined) {
    log.error("the cluster of a discovery server has no endpoint in place; nothing comes from there", {
      cluster: name,
      ...(cluster === undefined ? { reason: "static_resources have no such cluster" } : {}),
    });
    return undefined;
  }
  if (tls?.validation.own.revocation !== undefined) {
    log.error("revocation lists are not read for discovery servers; nothing comes from there while crl is set", {
      cluster: name,
    });
    return undefined;
  }
  return {
    address: dialText(endpoint),
    ...(authority === "" ? {} : { authority }),
    metadata,
    serverName: tls === undefined ? undefined : tls.sni || UNNAMED,
    credentials: () => adsCredentials(tls),
  };
}

function dialText(endpoint: ConfigAddress): string {
  if (endpoint.kind === "pipe") return `unix:${endpoint.path}`;
  const { ip, port } = endpoint.address;
  return ip.includes(":") ? `ipv6:[${ip}]:${port}` : `${ip}:${port}`;
}
