import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { packAny } from "@heddle/xds-api";
import type { TransportSocketSchema } from "@heddle/xds-api/envoy/config/core/v3/base";
import {
  type CommonTlsContextSchema,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/tls";

type TransportSocket = MessageInitShape<typeof TransportSocketSchema>;

/** The certificate provider in the bootstrap file; `ROOTCA` and `default` are what Istio calls its certificates. */
const instanceName = "default";

/** gRPC takes certificates from a plug-in of its bootstrap, never by SDS. Source: gRFC A29. */
function common(names: readonly string[]): MessageInitShape<typeof CommonTlsContextSchema> {
  return {
    tlsCertificateProviderInstance: { instanceName, certificateName: "default" },
    validationContextType: {
      case: "combinedValidationContext",
      value: {
        defaultValidationContext: {
          caCertificateProviderInstance: { instanceName, certificateName: "ROOTCA" },
          // gRPC reads the older field; the typed one is unknown to some versions.
          matchSubjectAltNames: names.map((value) => ({ matchPattern: { case: "exact", value } })),
        },
      },
    },
  };
}

/** @param names SPIFFE ids that the server may have; none: any that the roots vouch for. */
export function providerClientTls(names: readonly string[], sni: string): TransportSocket {
  return {
    name: "envoy.transport_sockets.tls",
    configType: {
      case: "typedConfig",
      value: packAny(
        UpstreamTlsContextSchema,
        create(UpstreamTlsContextSchema, { sni, commonTlsContext: common(names) }),
      ),
    },
  };
}

export function providerServerTls(): TransportSocket {
  return {
    name: "envoy.transport_sockets.tls",
    configType: {
      case: "typedConfig",
      value: packAny(
        DownstreamTlsContextSchema,
        create(DownstreamTlsContextSchema, { requireClientCertificate: true, commonTlsContext: common([]) }),
      ),
    },
  };
}
