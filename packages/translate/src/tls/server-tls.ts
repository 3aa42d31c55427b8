import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { DataPlane, ServerTls } from "@heddle/config";
import type { MeshSettings } from "@heddle/model";
import { packAny } from "@heddle/xds-api";
import type { TransportSocketSchema } from "@heddle/xds-api/envoy/config/core/v3/base";
import {
  CertificateValidationContext_TrustChainVerification,
  type CertificateValidationContextSchema,
  TlsParameters_TlsProtocol,
} from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/common";
import {
  type CommonTlsContextSchema,
  DownstreamTlsContextSchema,
} from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/tls";
import { credentialsFromAds } from "../config-source.ts";
import { nameMatcher } from "./client-tls.ts";
import { downstreamMeshTls } from "./mesh-tls.ts";

type TransportSocket = MessageInitShape<typeof TransportSocketSchema>;
type CommonTls = MessageInitShape<typeof CommonTlsContextSchema>;

const versions = {
  TLS_AUTO: TlsParameters_TlsProtocol.TLS_AUTO,
  TLSV1_0: TlsParameters_TlsProtocol.TLSv1_0,
  TLSV1_1: TlsParameters_TlsProtocol.TLSv1_1,
  TLSV1_2: TlsParameters_TlsProtocol.TLSv1_2,
  TLSV1_3: TlsParameters_TlsProtocol.TLSv1_3,
} as const;

/** The name under which the control plane serves a Kubernetes Secret of the proxy's namespace. Source: Istio. */
export function secretName(credential: string, roots = false): string {
  return `kubernetes://${credential}${roots ? "-cacert" : ""}`;
}

/** TLS that a gateway (or a sidecar's ingress listener) ends itself. */
export function serverTls(
  tls: ServerTls,
  alpn: readonly string[],
  settings: MeshSettings,
  dataPlane: DataPlane,
): TransportSocket {
  if (tls.mode === "ISTIO_MUTUAL") return downstreamMeshTls(alpn, settings);
  const defaults = settings.mesh.tlsDefaults;
  const ciphers = tls.cipherSuites.length > 0 ? tls.cipherSuites : (defaults?.cipherSuites ?? []);
  const context = create(DownstreamTlsContextSchema, {
    requireClientCertificate: tls.mode === "MUTUAL",
    commonTlsContext: {
      alpnProtocols: [...alpn],
      tlsParams: {
        tlsMinimumProtocolVersion: versions[tls.minProtocolVersion ?? defaults?.minProtocolVersion ?? "TLSV1_2"],
        tlsMaximumProtocolVersion: versions[tls.maxProtocolVersion ?? "TLSV1_3"],
        cipherSuites: [...ciphers],
        ecdhCurves: [...(defaults?.ecdhCurves ?? [])],
      },
      ...certificates(tls, dataPlane),
      ...clientValidation(tls),
    },
  });
  return {
    name: "envoy.transport_sockets.tls",
    configType: { case: "typedConfig", value: packAny(DownstreamTlsContextSchema, context) },
  };
}

/** The built-in data plane shows one certificate to all clients, and would refuse the listener with two. */
function certificates(
  tls: ServerTls,
  dataPlane: DataPlane,
): Pick<CommonTls, "tlsCertificateSdsSecretConfigs" | "tlsCertificates"> {
  const most = dataPlane === "heddle" ? 1 : undefined;
  const secrets = (tls.credentialName === undefined ? tls.credentialNames : [tls.credentialName]).slice(0, most);
  if (secrets.length > 0)
    return {
      tlsCertificateSdsSecretConfigs: secrets.map((name) => ({
        name: secretName(name),
        sdsConfig: credentialsFromAds,
      })),
    };
  const files = [...tls.tlsCertificates];
  if (tls.serverCertificate !== undefined && tls.privateKey !== undefined)
    files.push({ serverCertificate: tls.serverCertificate, privateKey: tls.privateKey });
  return {
    tlsCertificates: files.slice(0, most).map((pair) => ({
      certificateChain: { specifier: { case: "filename", value: pair.serverCertificate } },
      privateKey: { specifier: { case: "filename", value: pair.privateKey } },
    })),
  };
}

/** How clients' certificates are checked; with OPTIONAL_MUTUAL only when there is one, and a wrong one is let through unverified. */
function clientValidation(tls: ServerTls): Pick<CommonTls, "validationContextType"> {
  if (tls.mode !== "MUTUAL" && tls.mode !== "OPTIONAL_MUTUAL") return {};
  const own: MessageInitShape<typeof CertificateValidationContextSchema> = {
    matchTypedSubjectAltNames: tls.subjectAltNames.map(nameMatcher),
    verifyCertificateSpki: [...tls.verifyCertificateSpki],
    verifyCertificateHash: [...tls.verifyCertificateHash],
    ...(tls.mode === "OPTIONAL_MUTUAL" || tls.insecureSkipVerify === true
      ? { trustChainVerification: CertificateValidationContext_TrustChainVerification.ACCEPT_UNTRUSTED }
      : {}),
  };
  const credential = tls.credentialName ?? tls.credentialNames[0];
  if (tls.caCertCredentialName === undefined && credential === undefined) {
    const file = tls.caCertificates ?? tls.tlsCertificates[0]?.caCertificates ?? "";
    const trustedCa = { specifier: { case: "filename", value: file } } as const;
    return { validationContextType: { case: "validationContext", value: { ...own, trustedCa } } };
  }
  const name = tls.caCertCredentialName ?? credential ?? "";
  const validationContextSdsSecretConfig = {
    name: secretName(name, tls.caCertCredentialName === undefined || !name.endsWith("-cacert")),
    sdsConfig: credentialsFromAds,
  };
  return {
    validationContextType: {
      case: "combinedValidationContext",
      value: { defaultValidationContext: own, validationContextSdsSecretConfig },
    },
  };
}
