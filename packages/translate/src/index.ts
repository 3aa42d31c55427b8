export { nameTable } from "./name-table.ts";
export { createPatcher, type Patched, type Patcher } from "./patch/patcher.ts";
export {
  type ProxyResources,
  translate,
  translateEndpoints,
  translateInbound,
  translateOutbound,
} from "./translate.ts";
