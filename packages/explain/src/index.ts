export {
  type DiffSide,
  diffMeshes,
  diffText,
  type MeshDiff,
  type ResourceChange,
  type WorkloadChange,
} from "./diff.ts";
export { type Caller, type ExplainInput, type Explanation, explainRequest, type FarSide } from "./explain-request.ts";
export { atGateway, type GatewayArrival } from "./gateway-arrival.ts";
export { type Generator, generatedConfig } from "./generated-config.ts";
export { bypassReason } from "./interception.ts";
export { type Destination, resolveName } from "./name-resolution.ts";
export type { Origin } from "./origin.ts";
export { type MeshedPod, meshedPod, meshOf } from "./proxies.ts";
export { type ProxyConfigJson, proxyConfigOf } from "./proxy-config.ts";
export { explanationText } from "./render.ts";
export { type ExplainedRequest, readTarget } from "./request.ts";
export { settle } from "./settle.ts";
export type { Outcome, Step } from "./step.ts";
