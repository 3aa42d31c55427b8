export type { DnsSettings } from "./host/etc-files.ts";
export { createKubelet, type Kubelet, type KubeletDeps } from "./kubelet.ts";
export type { KubeletLog } from "./node-context.ts";
export type { IssuedToken, IssueToken } from "./volumes/token-source.ts";
