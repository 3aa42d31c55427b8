import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ClientTls } from "@heddle/config";
import { packAny } from "@heddle/xds-api";
import type { TransportSocketSchema } from "@heddle/xds-api/envoy/config/core/v3/base";
import { SubjectAltNameMatcher_SanType } from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/common";
import type { SdsSecretConfigSchema } from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/secret";
import {
  type CommonTlsContextSchema,
  UpstreamTlsContextSchema,
} from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/tls";
import { fromAds, fromAgent } from "../config-source.ts";

type CommonTls = MessageInitShape<typeof CommonTlsContextSchema>;

/**
 * TLS that a DestinationRule asks for towards a server outside of the mesh. Files and Secrets come by SDS under Istio's names:
 * `file-cert:<cert>~<key>`, `file-root:<ca>` from the agent, `kubernetes://<secret>` from the control plane.
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
      tlsCertificateSdsSecretConfigs: certificates(tls),
      validationContextType: validation(tls),
      alpnProtocols: [...alpn],
    },
  });
  return {
    name: "envoy.transport_sockets.tls",
    configType: { case: "typedConfig", value: packAny(UpstreamTlsContextSchema, context) },
  };
}

function certificates(tls: ClientTls): MessageInitShape<typeof SdsSecretConfigSchema>[] {
  if (tls.mode !== "MUTUAL") return [];
  if (tls.credentialName !== undefined) return [{ name: `kubernetes://${tls.credentialName}`, sdsConfig: fromAds }];
  return [{ name: `file-cert:${tls.clientCertificate ?? ""}~${tls.privateKey ?? ""}`, sdsConfig: fromAgent }];
}

function validation(tls: ClientTls): NonNullable<CommonTls["validationContextType"]> {
  if (tls.insecureSkipVerify === true) return { case: undefined };
  const secret =
    tls.credentialName === undefined
      ? { name: `file-root:${tls.caCertificates ?? "system"}`, sdsConfig: fromAgent }
      : { name: `kubernetes://${tls.credentialName}-cacert`, sdsConfig: fromAds };
  return {
    case: "combinedValidationContext",
    value: {
      defaultValidationContext: {
        matchTypedSubjectAltNames: tls.subjectAltNames.map((name) => ({
          sanType: name.includes("://") ? SubjectAltNameMatcher_SanType.URI : SubjectAltNameMatcher_SanType.DNS,
          matcher: { matchPattern: { case: "exact", value: name } },
        })),
      },
      validationContextSdsSecretConfig: secret,
    },
  };
}
