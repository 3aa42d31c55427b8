import { crdDefaults, crdErrors, crdUpdateErrors, crdWarnings } from "../custom/crd-validation.ts";
import type { KindRules } from "../resources/resource-definition.ts";
import * as config from "./config-validation.ts";
import * as network from "./network-defaults.ts";
import { podDefaults } from "./pod-defaults.ts";
import { podErrors, podUpdateErrors, preparePod } from "./pod-validation.ts";
import { keepServiceAddress } from "./service-allocation.ts";
import { serviceErrors, serviceUpdateErrors } from "./service-validation.ts";
import * as defaults from "./workload-defaults.ts";
import * as validation from "./workload-validation.ts";

/** What is particular to the built-in kinds, by storage key. */
export const KIND_RULES: Readonly<Record<string, KindRules>> = {
  "/configmaps": { validate: config.configMapErrors, validateUpdate: config.immutableDataErrors },
  "/endpoints": { defaults: network.endpointsDefaults },
  "/namespaces": { defaults: network.namespaceDefaults, prepareUpdate: network.keepNamespaceFinalizers },
  "/persistentvolumeclaims": { defaults: network.volumeClaimDefaults },
  "/persistentvolumes": { defaults: network.volumeDefaults },
  "/pods": { defaults: podDefaults, prepareCreate: preparePod, validate: podErrors, validateUpdate: podUpdateErrors },
  "/podtemplates": { defaults: defaults.podTemplateDefaults },
  "/replicationcontrollers": { defaults: defaults.replicationControllerDefaults },
  "/secrets": {
    defaults: network.secretDefaults,
    validate: config.secretErrors,
    validateUpdate: config.secretUpdateErrors,
  },
  "/services": {
    defaults: network.serviceDefaults,
    prepareUpdate: keepServiceAddress,
    validate: serviceErrors,
    validateUpdate: serviceUpdateErrors,
  },
  "admissionregistration.k8s.io/mutatingwebhookconfigurations": {
    defaults: network.webhookDefaults,
    validate: config.webhookErrors,
  },
  "admissionregistration.k8s.io/validatingwebhookconfigurations": {
    defaults: network.webhookDefaults,
    validate: config.webhookErrors,
  },
  "apiextensions.k8s.io/customresourcedefinitions": {
    defaults: crdDefaults,
    validate: crdErrors,
    validateUpdate: crdUpdateErrors,
    warnings: crdWarnings,
  },
  "apps/daemonsets": {
    defaults: defaults.daemonSetDefaults,
    validate: validation.daemonSetErrors,
    validateUpdate: validation.selectorUpdateErrors,
  },
  "apps/deployments": {
    defaults: defaults.deploymentDefaults,
    validate: validation.deploymentErrors,
    validateUpdate: validation.selectorUpdateErrors,
  },
  "apps/replicasets": {
    defaults: defaults.replicaSetDefaults,
    validate: validation.replicaSetErrors,
    validateUpdate: validation.selectorUpdateErrors,
  },
  "apps/statefulsets": {
    defaults: defaults.statefulSetDefaults,
    validate: validation.statefulSetErrors,
    validateUpdate: validation.statefulSetUpdateErrors,
  },
  "autoscaling/horizontalpodautoscalers": { defaults: network.autoscalerDefaults },
  "batch/cronjobs": { defaults: defaults.cronJobDefaults, validate: validation.cronJobErrors },
  "batch/jobs": {
    defaults: defaults.jobDefaults,
    validate: validation.jobErrors,
    validateUpdate: validation.jobUpdateErrors,
  },
  "discovery.k8s.io/endpointslices": {
    defaults: network.endpointSliceDefaults,
    validate: config.endpointSliceErrors,
  },
  "networking.k8s.io/ingresses": { defaults: network.ingressDefaults, validate: config.ingressErrors },
  "networking.k8s.io/networkpolicies": {
    defaults: network.networkPolicyDefaults,
    validate: config.networkPolicyErrors,
  },
  "rbac.authorization.k8s.io/clusterrolebindings": {
    defaults: network.bindingDefaults,
    validate: config.roleBindingErrors,
    validateUpdate: config.roleBindingUpdateErrors,
  },
  "rbac.authorization.k8s.io/clusterroles": { validate: config.roleErrors },
  "rbac.authorization.k8s.io/rolebindings": {
    defaults: network.bindingDefaults,
    validate: config.roleBindingErrors,
    validateUpdate: config.roleBindingUpdateErrors,
  },
  "rbac.authorization.k8s.io/roles": { validate: config.roleErrors },
  "storage.k8s.io/storageclasses": { defaults: network.storageClassDefaults },
};
