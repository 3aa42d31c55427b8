import type { Column } from "../resources/resource-definition.ts";
import * as core from "./core-columns.ts";
import { POD_COLUMNS } from "./pod-columns.ts";
import * as policy from "./policy-columns.ts";
import * as workload from "./workload-columns.ts";

/** Table columns of the built-in resources, by storage key; the others show name and creation. */
export const BUILTIN_COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  "/configmaps": core.CONFIG_MAP_COLUMNS,
  "/endpoints": core.ENDPOINTS_COLUMNS,
  "/events": core.EVENT_COLUMNS,
  "/namespaces": core.NAMESPACE_COLUMNS,
  "/nodes": core.NODE_COLUMNS,
  "/persistentvolumeclaims": core.VOLUME_CLAIM_COLUMNS,
  "/persistentvolumes": core.VOLUME_COLUMNS,
  "/pods": POD_COLUMNS,
  "/podtemplates": workload.POD_TEMPLATE_COLUMNS,
  "/replicationcontrollers": workload.REPLICA_SET_COLUMNS,
  "/resourcequotas": policy.QUOTA_COLUMNS,
  "/secrets": core.SECRET_COLUMNS,
  "/serviceaccounts": core.SERVICE_ACCOUNT_COLUMNS,
  "/services": core.SERVICE_COLUMNS,
  "admissionregistration.k8s.io/mutatingwebhookconfigurations": policy.WEBHOOK_COLUMNS,
  "admissionregistration.k8s.io/validatingwebhookconfigurations": policy.WEBHOOK_COLUMNS,
  "apiregistration.k8s.io/apiservices": policy.API_SERVICE_COLUMNS,
  "apps/controllerrevisions": workload.CONTROLLER_REVISION_COLUMNS,
  "apps/daemonsets": workload.DAEMON_SET_COLUMNS,
  "apps/deployments": workload.DEPLOYMENT_COLUMNS,
  "apps/replicasets": workload.REPLICA_SET_COLUMNS,
  "apps/statefulsets": workload.STATEFUL_SET_COLUMNS,
  "autoscaling/horizontalpodautoscalers": policy.AUTOSCALER_COLUMNS,
  "batch/cronjobs": workload.CRON_JOB_COLUMNS,
  "batch/jobs": workload.JOB_COLUMNS,
  "coordination.k8s.io/leases": policy.LEASE_COLUMNS,
  "discovery.k8s.io/endpointslices": core.ENDPOINT_SLICE_COLUMNS,
  "networking.k8s.io/ingressclasses": policy.INGRESS_CLASS_COLUMNS,
  "networking.k8s.io/ingresses": policy.INGRESS_COLUMNS,
  "networking.k8s.io/networkpolicies": policy.NETWORK_POLICY_COLUMNS,
  "policy/poddisruptionbudgets": policy.DISRUPTION_BUDGET_COLUMNS,
  "rbac.authorization.k8s.io/clusterrolebindings": policy.ROLE_BINDING_COLUMNS,
  "rbac.authorization.k8s.io/clusterroles": policy.ROLE_COLUMNS,
  "rbac.authorization.k8s.io/rolebindings": policy.ROLE_BINDING_COLUMNS,
  "rbac.authorization.k8s.io/roles": policy.ROLE_COLUMNS,
  "scheduling.k8s.io/priorityclasses": policy.PRIORITY_CLASS_COLUMNS,
  "storage.k8s.io/storageclasses": policy.STORAGE_CLASS_COLUMNS,
};
