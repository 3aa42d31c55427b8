export { setUpNodeNetwork } from "./node-network.ts";
export { defaultPodPrefix, MAX_CLUSTERS, type NetworkChoice, networkPlan, networkProblem } from "./plan.ts";
export { createPodNetwork } from "./pod-network.ts";
