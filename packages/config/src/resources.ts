import { nearest } from "@heddle/std";
import { type AuthorizationPolicy, authorizationPolicy } from "./istio/authorization-policy.ts";
import { type DestinationRule, destinationRule } from "./istio/destination-rule.ts";
import { type EnvoyFilter, envoyFilter } from "./istio/envoy-filter.ts";
import { type Gateway, gateway } from "./istio/gateway.ts";
import { type PeerAuthentication, peerAuthentication } from "./istio/peer-authentication.ts";
import { type ProxyConfigResource, proxyConfigResource } from "./istio/proxy-config.ts";
import { refusedKindOf } from "./istio/refused-kinds.ts";
import { type ServiceEntry, serviceEntry } from "./istio/service-entry.ts";
import { type Sidecar, sidecar } from "./istio/sidecar.ts";
import { type Telemetry, telemetry } from "./istio/telemetry.ts";
import { type VirtualService, virtualService } from "./istio/virtual-service.ts";
import { type WorkloadEntry, workloadEntry } from "./istio/workload-entry.ts";
import { type WorkloadGroup, workloadGroup } from "./istio/workload-group.ts";
import { groupOf, type KubeObject, refOf, refText } from "./kube/object.ts";
import { type ServiceProfile, serviceProfile } from "./linkerd/service-profile.ts";
import { createProblemSink, type Parsed, type Problem } from "./problem.ts";
import { type ResourceDefinition, readResource } from "./schema/resource.ts";

/** A custom resource of any dialect that Heddle acts on. */
export type MeshResource =
  | PeerAuthentication
  | VirtualService
  | DestinationRule
  | ServiceEntry
  | WorkloadEntry
  | WorkloadGroup
  | Sidecar
  | Gateway
  | EnvoyFilter
  | AuthorizationPolicy
  | Telemetry
  | ProxyConfigResource
  | ServiceProfile;

/** Every custom resource, one literal table. */
export const definitions = [
  peerAuthentication,
  virtualService,
  destinationRule,
  serviceEntry,
  workloadEntry,
  workloadGroup,
  sidecar,
  gateway,
  envoyFilter,
  authorizationPolicy,
  telemetry,
  proxyConfigResource,
  serviceProfile,
] as const satisfies readonly ResourceDefinition<string, unknown>[];

/** A collection that a source has to watch. */
export interface WatchedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** The plural used in URLs. */
  readonly resource: string;
  /** False for kinds of Kubernetes itself: they are always there, CRDs may be missing. */
  readonly optional: boolean;
}

const builtIn = (group: string, version: string, kind: string, resource: string): WatchedKind => ({
  group,
  version,
  kind,
  resource,
  optional: false,
});

/** What the mesh is built from. */
export const watchedKinds: readonly WatchedKind[] = [
  builtIn("", "v1", "Namespace", "namespaces"),
  builtIn("", "v1", "Node", "nodes"),
  builtIn("", "v1", "Service", "services"),
  builtIn("", "v1", "Pod", "pods"),
  builtIn("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
  ...definitions.map((definition) => ({
    group: definition.group,
    version: definition.versions[0] ?? "v1",
    kind: definition.kind,
    resource: definition.plural,
    optional: true,
  })),
];

/** Of Kubernetes, too, but read where configuration is read: other clusters bring services only. */
export const ingressKinds: readonly WatchedKind[] = [
  builtIn("networking.k8s.io", "v1", "Ingress", "ingresses"),
  builtIn("networking.k8s.io", "v1", "IngressClass", "ingressclasses"),
];

function definitionOf(object: KubeObject): (typeof definitions)[number] | undefined {
  const group = groupOf(object.apiVersion);
  return definitions.find((definition) => definition.kind === object.kind && definition.group === group);
}

/** True when the object is one of the mesh's custom resources. */
export function isMeshResource(object: KubeObject): boolean {
  return definitionOf(object) !== undefined;
}

/** Reads a custom resource: typed, defaulted and validated, or every problem it has. */
export function parseResource(object: KubeObject): Parsed<MeshResource> {
  const definition = definitionOf(object);
  if (definition === undefined) return { ok: false, problems: [unknownKind(object)] };
  const parsed = readResource(definition as ResourceDefinition<never, never>, object) as Parsed<MeshResource>;
  if (!parsed.ok || parsed.value.kind !== "AuthorizationPolicy") return parsed;
  const { meta, ref } = parsed.value;
  if (meta.annotations[DRY_RUN] !== "true") return parsed;
  const sink = createProblemSink(refText(ref));
  sink.warn(
    `metadata.annotations["${DRY_RUN}"]`,
    "has no effect but this: the policy is left out, and nothing is recorded of what it would have refused",
  );
  return { ...parsed, warnings: [...parsed.warnings, ...sink.problems] };
}

const DRY_RUN = "istio.io/dry-run";

function unknownKind(object: KubeObject): Problem {
  const sink = createProblemSink(refText(refOf(object)));
  const refused = refusedKindOf(object);
  if (refused !== undefined) {
    sink.error("kind", refused.reason);
    return sink.problems[0] as Problem;
  }
  const close = nearest(
    object.kind,
    definitions.map((definition) => definition.kind),
  );
  sink.error(
    "kind",
    `${object.apiVersion} ${object.kind} is not a resource of the mesh${close === undefined ? "" : `; did you mean ${close}?`}`,
  );
  return sink.problems[0] as Problem;
}
