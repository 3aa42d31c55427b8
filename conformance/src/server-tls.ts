import type { Json } from "../../packages/proxy/test/rig/bootstrap.ts";

/** The transport socket of a filter chain that shows this certificate; `common` and `own`: more fields of the two messages. */
export function serverTls(
  pair: { readonly cert: string; readonly key: string },
  common: Json = {},
  own: Json = {},
): Json {
  return {
    transport_socket: {
      name: "envoy.transport_sockets.tls",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        common_tls_context: {
          tls_certificates: [
            { certificate_chain: { inline_string: pair.cert }, private_key: { inline_string: pair.key } },
          ],
          ...common,
        },
        ...own,
      },
    },
  };
}
