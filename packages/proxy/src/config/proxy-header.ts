import { ProxyProtocolConfigSchema } from "@heddle/xds-api/envoy/config/core/v3/proxy_protocol";
import { shape } from "./shape.ts";

/** The header that is sent to a server. */
export const PROXY_HEADER_SHAPE = shape(
  ProxyProtocolConfigSchema,
  ["version"],
  {},
  { pass_through_tlvs: "type-length-values of the client's header are not kept" },
);
