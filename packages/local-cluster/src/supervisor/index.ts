export { ClusterProblem } from "./cluster-problem.ts";
export type { PhaseTime } from "./cluster-record.ts";
export { type RunningCluster, type StartOptions, startCluster } from "./start-cluster.ts";
export type { HostListener } from "./tunnel.ts";
