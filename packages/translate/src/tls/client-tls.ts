import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ClientTls } from "@heddle/config";
import { packAny } from "@heddle/xds-api";
import type { TransportSocketSchema } from "@heddle/xds-api/envoy/config/core/v3/base";
import {
  SubjectAltNameMatcher_SanType,
  type SubjectAltNameMatcherSchema,
} from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/common";
import {
  type CommonTlsContextSchema,
  UpstreamTlsContextSchema,
} from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/tls";
import { credentialsFromAds } from "../config-source.ts";

type CommonTls = MessageInitShape<typeof CommonTlsContextSchema>;

/** Where the base images of Debian, Ubuntu and our own keep the roots of the web. */
const systemRoots = "/etc/ssl/certs/ca-certificates.crt";

/**
 * TLS that a DestinationRule asks for towards a server outside of the mesh. Files are the proxy's own; Secrets come by SDS from
 * the control plane, named `kubernetes://<secret>` as in Istio.
 * @param alpn What to offer, by the upstream's HTTP version.
 */
export function clientTls(
  tls: ClientTls,
  defaultSni: string,
  alpn: readonly string[],
): MessageInitShape<typeof TransportSocketSchema> {
  const context = create(UpstreamTlsContextSchema, {
    sni: tls.sni ?? defaultSni,
    commonTlsContext: {
      ...certificates(tls),
      validationContextType: validation(tls),
      alpnProtocols: [...alpn],
    },
  });
  return {
    name: "envoy.transport_sockets.tls",
    configType: { case: "typedConfig", value: packAny(UpstreamTlsContextSchema, context) },
  };
}

/**
 * What a rule for all workloads means to a sidecar: its account may not read the Secret, and waiting for it would hold up all else. Files are
 * used, or the roots of the web; never plain text. Source: Istio's documentation of credentialName.
 */
export function withoutSecret({ credentialName, ...tls }: ClientTls): ClientTls {
  if (credentialName === undefined) return tls;
  const mode = tls.mode === "MUTUAL" && tls.clientCertificate === undefined ? "SIMPLE" : tls.mode;
  return { ...tls, mode };
}

function certificates(tls: ClientTls): Pick<CommonTls, "tlsCertificateSdsSecretConfigs" | "tlsCertificates"> {
  if (tls.mode !== "MUTUAL") return {};
  if (tls.credentialName !== undefined)
    return {
      tlsCertificateSdsSecretConfigs: [{ name: `kubernetes://${tls.credentialName}`, sdsConfig: credentialsFromAds }],
    };
  return {
    tlsCertificates: [
      {
        certificateChain: { specifier: { case: "filename", value: tls.clientCertificate ?? "" } },
        privateKey: { specifier: { case: "filename", value: tls.privateKey ?? "" } },
      },
    ],
  };
}

/** A name that a peer's certificate has to carry. */
export function nameMatcher(name: string): MessageInitShape<typeof SubjectAltNameMatcherSchema> {
  return {
    sanType: name.includes("://") ? SubjectAltNameMatcher_SanType.URI : SubjectAltNameMatcher_SanType.DNS,
    matcher: { matchPattern: { case: "exact", value: name } },
  };
}

function validation(tls: ClientTls): NonNullable<CommonTls["validationContextType"]> {
  if (tls.insecureSkipVerify === true) return { case: undefined };
  const matchTypedSubjectAltNames = tls.subjectAltNames.map(nameMatcher);
  if (tls.credentialName === undefined) {
    const trustedCa = { specifier: { case: "filename", value: tls.caCertificates ?? systemRoots } } as const;
    return { case: "validationContext", value: { matchTypedSubjectAltNames, trustedCa } };
  }
  return {
    case: "combinedValidationContext",
    value: {
      defaultValidationContext: { matchTypedSubjectAltNames },
      validationContextSdsSecretConfig: {
        name: `kubernetes://${tls.credentialName}-cacert`,
        sdsConfig: credentialsFromAds,
      },
    },
  };
}
