export { setUpNodeNetwork } from "./node-network.ts";
export { MAX_CLUSTERS, networkPlan } from "./plan.ts";
export { createPodNetwork } from "./pod-network.ts";
