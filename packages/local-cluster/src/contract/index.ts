export * from "./cluster-api.ts";
export type * from "./kubelet.ts";
export type * from "./network.ts";
export type * from "./objects.ts";
