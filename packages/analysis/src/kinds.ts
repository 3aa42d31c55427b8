import { ingressKinds, watchedKinds } from "@heddle/config";

/** A kind by the words of its URL. */
export interface AnalysedKind {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

const kind = (group: string, version: string, resource: string): AnalysedKind => ({ group, version, resource });

/** What analyzers look at: the mesh's own inputs, and what stands around them. */
export const analysedKinds: readonly AnalysedKind[] = [
  ...watchedKinds.map(({ group, version, resource }) => kind(group, version, resource)),
  kind("apps", "v1", "deployments"),
  kind("apps", "v1", "statefulsets"),
  kind("apps", "v1", "daemonsets"),
  kind("", "v1", "secrets"),
  kind("", "v1", "configmaps"),
  ...ingressKinds.map(({ group, version, resource }) => kind(group, version, resource)),
  kind("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations"),
  kind("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations"),
  kind("apiextensions.k8s.io", "v1", "customresourcedefinitions"),
  kind("gateway.networking.k8s.io", "v1", "gateways"),
  kind("gateway.networking.k8s.io", "v1", "httproutes"),
  kind("security.istio.io", "v1", "requestauthentications"),
];
