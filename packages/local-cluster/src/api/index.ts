export { type ApiLog, type ApiServer, type ApiServerDeps, createApiServer } from "./api-server.ts";
export type { ListenAddress } from "./http/server.ts";
export { type ClusterPki, createClusterPki, type PkiDeps } from "./pki/cluster-pki.ts";
export { type AdminAccess, kubeconfigOf } from "./pki/kubeconfig.ts";
