import type { JsonObject } from "@bufbuild/protobuf";
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";
import type { Clock, Logger } from "@heddle/std";
import type { UpstreamTlsConfig } from "../config/tls-context.ts";
import type { DataPlane } from "../proxy.ts";
import type { ResourceStore } from "../resources.ts";
import { acceptsPeer } from "../tls/san-check.ts";
import { peerNames } from "../transport/tls-state.ts";
import { type AdsClient, createAdsClient } from "./ads-client.ts";

export interface BootstrapAdsDeps {
  readonly version: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

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

/** Discovery from the cluster that a bootstrap names. Gives undefined where that cluster has no address to dial, and logs why. */
export function startAds(
  deps: BootstrapAdsDeps,
  clusterName: string,
  proxy: DataPlane,
  resources: ResourceStore,
  node: { id: string; cluster: string; metadata: JsonObject },
): AdsClient | undefined {
  const cluster = proxy.clusters.get(clusterName)?.config;
  const host = cluster?.discovery;
  const tls = cluster?.tls;
  const endpoint =
    host !== undefined && "assignment" in host ? host.assignment.localities[0]?.endpoints[0]?.address : undefined;
  if (endpoint?.kind !== "tcp") {
    deps.log.error("the ADS cluster of the bootstrap has no TCP endpoint; only static resources are served", {
      cluster: clusterName,
    });
    return undefined;
  }
  const ads = createAdsClient({
    address: `${endpoint.address.ip}:${endpoint.address.port}`,
    node,
    version: deps.version,
    resources,
    clock: deps.clock,
    random: deps.random,
    log: deps.log.child("xds"),
    localSecrets: new Set(),
    serverName: tls === undefined ? undefined : tls.sni || UNNAMED,
    credentials: () => adsCredentials(tls),
  });
  ads.start();
  return ads;
}
