import { createRequestHead, type RequestHead } from "@heddle/wire";
import { type FormatValues, renderHeader } from "../config/format.ts";
import type { TunnelConfig } from "../config/network-filters.ts";
import { addHeaders } from "../http/header-values.ts";

/** The request that opens a tunnel for a connection. Source: Envoy `tunneling_config`. */
export function tunnelRequest(config: TunnelConfig, values: FormatValues): RequestHead {
  const head = createRequestHead();
  head.method = config.usePost ? "POST" : "CONNECT";
  head.authority = renderHeader(config.hostname, values);
  head.path = config.usePost ? config.postPath : "";
  addHeaders(config.headers, head.headers, values);
  return head;
}
