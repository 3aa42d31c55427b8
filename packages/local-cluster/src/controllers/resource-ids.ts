import type { ResourceId } from "../contract/index.ts";

const core = (resource: string): ResourceId => ({ group: "", version: "v1", resource });
const apps = (resource: string): ResourceId => ({ group: "apps", version: "v1", resource });
const batch = (resource: string): ResourceId => ({ group: "batch", version: "v1", resource });

export const PODS = core("pods");
export const BINDINGS = core("pods/binding");
export const NODES = core("nodes");
export const SERVICES = core("services");
export const ENDPOINTS = core("endpoints");
export const NAMESPACES = core("namespaces");
export const CONFIG_MAPS = core("configmaps");
export const SECRETS = core("secrets");
export const SERVICE_ACCOUNTS = core("serviceaccounts");
export const VOLUME_CLAIMS = core("persistentvolumeclaims");
export const DEPLOYMENTS = apps("deployments");
export const REPLICA_SETS = apps("replicasets");
export const STATEFUL_SETS = apps("statefulsets");
export const DAEMON_SETS = apps("daemonsets");
export const REVISIONS = apps("controllerrevisions");
export const JOBS = batch("jobs");
export const CRON_JOBS = batch("cronjobs");
export const SLICES: ResourceId = { group: "discovery.k8s.io", version: "v1", resource: "endpointslices" };
export const DEFINITIONS: ResourceId = {
  group: "apiextensions.k8s.io",
  version: "v1",
  resource: "customresourcedefinitions",
};
