export { decodeResource, type ResourceConfig } from "./config/resources.ts";
export { type ConfigProblem, problemText } from "./config/scope.ts";
export { createProxy, type DataPlane, type ProxyDeps } from "./proxy.ts";
