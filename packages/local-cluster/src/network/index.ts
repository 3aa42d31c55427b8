export { MAX_CLUSTERS } from "./address-ranges.ts";
export { setUpNodeNetwork } from "./node-network.ts";
export { defaultPodPrefix, type NetworkChoice, networkPlan, networkProblem } from "./plan.ts";
export { createPodNetwork } from "./pod-network.ts";
