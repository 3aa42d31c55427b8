import { list, map, message } from "../schema/compound.ts";
import { port, string } from "../schema/scalar.ts";
import { type Infer, required, withDefault } from "../schema/schema.ts";

/** Picks workloads by label (security, telemetry and extension APIs). Source: istio/api type/v1beta1/selector.proto. */
export const workloadSelector = message("WorkloadSelector", { matchLabels: map(string()) });

/** Picks workloads by label (networking API). Source: istio/api networking/v1alpha3/sidecar.proto. */
export const networkingSelector = message("WorkloadSelector", { labels: map(string()) });

export const portSelector = message("PortSelector", { number: required(port()) });

/** Kinds that a policy may name as its target: Kubernetes' Gateway and Istio's. */
const TARGETS: readonly string[] = ["gateway.networking.k8s.io/Gateway", "networking.istio.io/Gateway"];

/** Kinds that Istio allows for waypoints. */
const WAYPOINT_TARGETS: readonly string[] = [
  "/Service",
  "core/Service",
  "networking.istio.io/ServiceEntry",
  "gateway.networking.k8s.io/GatewayClass",
];

/** What a policy is for, by name. Source: istio/api type/v1beta1/selector.proto; istio pkg/config/validation. */
const targetRef = message(
  "PolicyTargetReference",
  { group: withDefault(string(), ""), kind: required(string()), name: required(string()), namespace: string() },
  {
    check({ group, kind, name, namespace = "" }, path, sink) {
      const target = `${group}/${kind}`;
      if (WAYPOINT_TARGETS.includes(target))
        sink.error(
          `${path}.kind`,
          `${kind} is a target for waypoints of ambient mode, which is not available; select the workloads by label`,
        );
      else if (!TARGETS.includes(target))
        sink.error(
          `${path}.kind`,
          `${group === "" ? kind : target} can't be a target; name a Gateway, of group gateway.networking.k8s.io or networking.istio.io`,
        );
      if (name === "") sink.error(`${path}.name`, "must not be empty: the name of a Gateway");
      if (namespace !== "")
        sink.error(`${path}.namespace`, "must not be set: targets are of the resource's own namespace");
    },
  },
);

export type PolicyTarget = Infer<typeof targetRef>;

/** Fields with which a policy says whom it is for, at most one of them; `targetRef` is the old form of `targetRefs`. */
export const targetFields = { targetRef, targetRefs: list(targetRef) };

/** All targets that a policy names. */
export function targetsOf(spec: {
  readonly targetRef?: PolicyTarget | undefined;
  readonly targetRefs: readonly PolicyTarget[];
}): readonly PolicyTarget[] {
  return spec.targetRef === undefined ? spec.targetRefs : [spec.targetRef, ...spec.targetRefs];
}

/** True when every label that the selector asks for is there. An empty selector matches everything. */
export function labelsMatch(
  wanted: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean {
  for (const key of Object.keys(wanted)) {
    if (labels[key] !== wanted[key]) return false;
  }
  return true;
}
