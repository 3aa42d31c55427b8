export {
  type ProxyResources,
  translate,
  translateEndpoints,
  translateInbound,
  translateOutbound,
} from "./translate.ts";
