export type { Applied, ApplyObjectsOptions } from "./apply-objects.ts";
export { inApplyOrder } from "./apply-order.ts";
export type { ClusterAccess } from "./cluster-access.ts";
export type { ClientCertificate, Credentials } from "./credentials.ts";
export type { ExecOptions, ExecSession } from "./exec.ts";
export { type AccessOptions, findAccess } from "./find-access.ts";
export {
  createKubeClient,
  type KubeClient,
  type KubeClientOptions,
  type KubeDeleteOptions,
  kubeClientFor,
  type ListOptions,
  type PatchOptions,
  refOf,
  type WriteOptions,
} from "./kube-client.ts";
export { isKubeError, KubeError, type LocalReason } from "./kube-error.ts";
export type { KubeList, KubeMeta, KubeObject, ObjectRef, ResourceType } from "./kube-object.ts";
export { type ListedKind, type ListedKinds, listKinds } from "./list-kinds.ts";
export type { ProxyTarget } from "./paths.ts";
export { type ClusterEntry, REMOTE_SECRET_LABEL, readRemoteSecrets } from "./remote-secrets.ts";
export type { ResourceMap, ServedResource } from "./resource-map.ts";
export { secretAccess } from "./secret-kubeconfig.ts";
export type { Query, RequestOptions } from "./transport.ts";
export type { KubeEvent, Watch, WatchHandlers, WatchOptions } from "./watch.ts";
