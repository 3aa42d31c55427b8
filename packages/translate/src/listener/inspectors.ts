import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { packAny } from "@heddle/xds-api";
import type { ListenerFilterSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener_components";
import { HttpInspectorSchema } from "@heddle/xds-api/envoy/extensions/filters/listener/http_inspector/v3/http_inspector";
import { OriginalDstSchema } from "@heddle/xds-api/envoy/extensions/filters/listener/original_dst/v3/original_dst";
import { ProxyProtocolSchema } from "@heddle/xds-api/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol";
import { TlsInspectorSchema } from "@heddle/xds-api/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector";

type ListenerFilter = MessageInitShape<typeof ListenerFilterSchema>;

/** Recovers the address that a redirected connection was meant for. */
export function originalDestination(): ListenerFilter {
  return {
    name: "envoy.filters.listener.original_dst",
    configType: { case: "typedConfig", value: packAny(OriginalDstSchema, create(OriginalDstSchema)) },
  };
}

/** Learns from a load balancer's header who the client is. */
export function proxyProtocol(): ListenerFilter {
  return {
    name: "envoy.filters.listener.proxy_protocol",
    configType: { case: "typedConfig", value: packAny(ProxyProtocolSchema, create(ProxyProtocolSchema)) },
  };
}

export function tlsInspector(): ListenerFilter {
  return {
    name: "envoy.filters.listener.tls_inspector",
    configType: { case: "typedConfig", value: packAny(TlsInspectorSchema, create(TlsInspectorSchema)) },
  };
}

export function httpInspector(): ListenerFilter {
  return {
    name: "envoy.filters.listener.http_inspector",
    configType: { case: "typedConfig", value: packAny(HttpInspectorSchema, create(HttpInspectorSchema)) },
  };
}

/** What the HTTP inspector reports for plain-text HTTP. */
export const plainHttpProtocols: readonly string[] = ["http/1.0", "http/1.1", "h2c"];
/** ALPN of mesh mTLS that carries HTTP. */
export const meshHttpProtocols: readonly string[] = ["istio-http/1.0", "istio-http/1.1", "istio-h2"];
/** ALPN of mesh mTLS that carries anything. */
export const meshTcpProtocols: readonly string[] = ["istio", "istio-peer-exchange"];
