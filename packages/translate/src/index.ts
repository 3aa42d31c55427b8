export { nameTable } from "./name-table.ts";
export type { Part } from "./part.ts";
export { createPatcher, type Patched, type Patcher } from "./patch/patcher.ts";
export { type ClientResources, clientResources } from "./proxyless/client-resources.ts";
export { serverListener } from "./proxyless/server-listener.ts";
export type { PortRoutes } from "./route/outbound-routes.ts";
export { TRUST_BUNDLES } from "./tls/mesh-tls.ts";
export {
  type OutboundParts,
  type ProxyResources,
  translate,
  translateEndpoints,
  translateInbound,
  translateOutbound,
  translateOutboundParts,
} from "./translate.ts";
