import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { packAny } from "@heddle/xds-api";
import type { TransportSocketSchema } from "@heddle/xds-api/envoy/config/core/v3/base";
import { ProxyProtocolConfig_Version } from "@heddle/xds-api/envoy/config/core/v3/proxy_protocol";
import { ProxyProtocolUpstreamTransportSchema } from "@heddle/xds-api/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol";

type TransportSocket = MessageInitShape<typeof TransportSocketSchema>;

/** A transport that begins with a PROXY protocol header. */
export function introducing(transportSocket: TransportSocket, version: "V1" | "V2"): TransportSocket {
  const config = { version: version === "V2" ? ProxyProtocolConfig_Version.V2 : ProxyProtocolConfig_Version.V1 };
  const transport = create(ProxyProtocolUpstreamTransportSchema, { config, transportSocket });
  return {
    name: "envoy.transport_sockets.upstream_proxy_protocol",
    configType: { case: "typedConfig", value: packAny(ProxyProtocolUpstreamTransportSchema, transport) },
  };
}
