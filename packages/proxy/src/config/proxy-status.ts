import { HttpConnectionManager_ProxyStatusConfigSchema } from "@heddle/xds-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import type { HttpConnectionManager } from "./proto.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** How answers say what went wrong. Source: RFC 9209. */
export interface ProxyStatusConfig {
  /** Undefined: the node's id. */
  readonly name: string | undefined;
  readonly details: boolean;
  readonly flags: boolean;
  /** The status becomes the one that the standard recommends. */
  readonly recommendedStatus: boolean;
}

export const PROXY_STATUS_SHAPE = shape(
  HttpConnectionManager_ProxyStatusConfigSchema,
  ["remove_details", "remove_response_flags", "set_recommended_response_code", "use_node_id", "literal_proxy_name"],
  {
    remove_connection_termination_details: "an answer is written while the connection of its client is still there",
  },
);

/** Undefined: the header is not written. */
export function decodeProxyStatus(
  { proxyStatusConfig: message, serverName }: HttpConnectionManager,
  scope: DecodeScope,
): ProxyStatusConfig | undefined {
  if (message === undefined) return undefined;
  checkShape(PROXY_STATUS_SHAPE, message, scope.field("proxy_status_config"));
  const { proxyName } = message;
  const own = serverName === "" ? "envoy" : serverName;
  return {
    name: proxyName.case === "literalProxyName" ? proxyName.value : proxyName.case === "useNodeId" ? undefined : own,
    details: !message.removeDetails,
    flags: !message.removeResponseFlags,
    recommendedStatus: message.setRecommendedResponseCode,
  };
}
