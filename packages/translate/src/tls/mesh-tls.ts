import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { MeshSettings } from "@heddle/model";
import { packAny } from "@heddle/xds-api";
import type { TransportSocketSchema } from "@heddle/xds-api/envoy/config/core/v3/base";
import { RawBufferSchema } from "@heddle/xds-api/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer";
import {
  SubjectAltNameMatcher_SanType,
  type SubjectAltNameMatcherSchema,
  TlsParameters_TlsProtocol,
} from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/common";
import {
  type CommonTlsContextSchema,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/tls";
import { fromAds, fromAgent } from "../config-source.ts";

type TransportSocket = MessageInitShape<typeof TransportSocketSchema>;
type SanMatcher = MessageInitShape<typeof SubjectAltNameMatcherSchema>;

const exactId = (id: string): SanMatcher => ({
  sanType: SubjectAltNameMatcher_SanType.URI,
  matcher: { matchPattern: { case: "exact", value: id } },
});

const anyOf = (trustDomain: string): SanMatcher => ({
  sanType: SubjectAltNameMatcher_SanType.URI,
  matcher: { matchPattern: { case: "prefix", value: `spiffe://${trustDomain}/` } },
});

/** Name of the trust bundles that the control plane serves where MeshConfig `caCertificates` adds roots to the own CA's. */
export const TRUST_BUNDLES = "trust-bundles";

/** Whose identities count as proven: the mesh's own, by all of its names, and those of domains whose roots it was given. */
function trustDomains(settings: MeshSettings): readonly string[] {
  const { trustDomainAliases, caCertificates } = settings.mesh;
  const federated = caCertificates.flatMap((data) => data.trustDomains);
  return [...new Set([settings.trustDomain, ...trustDomainAliases, ...federated])];
}

/** The same accounts under the mesh's other names: clusters may differ in theirs. Source: Istio `spiffe.ExpandWithTrustDomains`. */
function underAliases(identities: readonly string[], settings: MeshSettings): readonly string[] {
  const own = `spiffe://${settings.trustDomain}/`;
  const others = settings.mesh.trustDomainAliases.flatMap((alias) =>
    identities.filter((id) => id.startsWith(own)).map((id) => `spiffe://${alias}/${id.slice(own.length)}`),
  );
  return others.length === 0 ? identities : [...new Set([...identities, ...others])];
}

/** Own certificate from the agent; the mesh's roots too, or the bundles of all trust domains from the control plane. */
function workloadTls(
  accepted: readonly SanMatcher[],
  alpn: readonly string[],
  settings: MeshSettings,
): MessageInitShape<typeof CommonTlsContextSchema> {
  const roots =
    settings.mesh.caCertificates.length === 0
      ? { name: "ROOTCA", sdsConfig: fromAgent }
      : { name: TRUST_BUNDLES, sdsConfig: fromAds };
  const tls13 = settings.mesh.meshMTLS?.minProtocolVersion === "TLSV1_3";
  return {
    alpnProtocols: [...alpn],
    tlsParams: {
      tlsMinimumProtocolVersion: tls13 ? TlsParameters_TlsProtocol.TLSv1_3 : TlsParameters_TlsProtocol.TLSv1_2,
      tlsMaximumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
    },
    tlsCertificateSdsSecretConfigs: [{ name: "default", sdsConfig: fromAgent }],
    validationContextType: {
      case: "combinedValidationContext",
      value: {
        defaultValidationContext: { matchTypedSubjectAltNames: [...accepted] },
        validationContextSdsSecretConfig: roots,
      },
    },
  };
}

/**
 * Mesh mTLS towards a service. Without known identities any workload of the trust domain is accepted.
 * HTTP traffic replaces the ALPN `istio` by filter state (see http/application-protocols.ts).
 */
export function upstreamMeshTls(identities: readonly string[], sni: string, settings: MeshSettings): TransportSocket {
  const accepted =
    identities.length > 0 ? underAliases(identities, settings).map(exactId) : trustDomains(settings).map(anyOf);
  const context = create(UpstreamTlsContextSchema, {
    sni,
    commonTlsContext: workloadTls(accepted, ["istio"], settings),
  });
  return {
    name: "envoy.transport_sockets.tls",
    configType: { case: "typedConfig", value: packAny(UpstreamTlsContextSchema, context) },
  };
}

/** Mesh mTLS of a workload's own ports: the peer has to show a certificate of the mesh. */
export function downstreamMeshTls(alpn: readonly string[], settings: MeshSettings): TransportSocket {
  const accepted = trustDomains(settings).map(anyOf);
  const context = create(DownstreamTlsContextSchema, {
    requireClientCertificate: true,
    commonTlsContext: workloadTls(accepted, alpn, settings),
  });
  return {
    name: "envoy.transport_sockets.tls",
    configType: { case: "typedConfig", value: packAny(DownstreamTlsContextSchema, context) },
  };
}

export function plainText(): TransportSocket {
  return {
    name: "envoy.transport_sockets.raw_buffer",
    configType: { case: "typedConfig", value: packAny(RawBufferSchema, create(RawBufferSchema)) },
  };
}
