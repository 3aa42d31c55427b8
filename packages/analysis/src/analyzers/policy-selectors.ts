import type { ObjectRef, StringMap } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";
import { missingTargets, targetSelections } from "./gateway-targets.ts";
import { nothingSelected } from "./selector-conflicts.ts";

/** Policies and filters select some workload. */
export const policySelectors: Analyzer = {
  name: "security.Selector",
  about:
    "selectors of AuthorizationPolicy, PeerAuthentication, EnvoyFilter, ProxyConfig and DestinationRule find workloads",
  codes: ["IST0127", "IST0166", "IST0101"],
  analyze: (input) => {
    const { objects, settings } = input.state;
    const targets = [...objects.authorizationPolicies.values(), ...objects.envoyFilters.values()].flatMap((one) =>
      targetSelections(one, input),
    );
    const entries: readonly {
      readonly ref: ObjectRef;
      readonly labels: StringMap | undefined;
      readonly path: string;
    }[] = [
      ...[
        ...objects.authorizationPolicies.values(),
        ...objects.peerAuthentications.values(),
        ...objects.proxyConfigs.values(),
      ].map(({ ref, spec }) => ({ ref, labels: spec.selector?.matchLabels, path: "spec.selector.matchLabels" })),
      ...[...objects.envoyFilters.values()].map(({ ref, spec }) => ({
        ref,
        labels: spec.workloadSelector?.labels,
        path: "spec.workloadSelector.labels",
      })),
      ...targets,
      ...[...objects.destinationRules.values()].map(({ ref, spec }) => ({
        ref,
        labels: spec.workloadSelector?.matchLabels,
        path: "spec.workloadSelector.matchLabels",
      })),
    ];
    const selecting = entries.flatMap(({ ref, labels, path }) => {
      if (labels === undefined || Object.keys(labels).length === 0) return [];
      // Policies of the root namespace hold everywhere.
      const namespace = ref.namespace === settings.rootNamespace ? undefined : ref.namespace;
      const pods = input.selected(namespace, labels);
      if (pods.length === 0) return [finding("IST0127", ref, path, nothingSelected(labels, namespace ?? ""))];
      const waypoints = pods.filter((pod) => pod.labels["gateway.istio.io/managed"] === "istio.io-mesh-controller");
      return waypoints.length < pods.length
        ? []
        : [
            finding(
              "IST0166",
              ref,
              path,
              `selects only pods of a waypoint (${waypoints[0]?.ref.name}), which no selector reaches; name the Gateway by targetRefs`,
            ),
          ];
    });
    return [...selecting, ...missingTargets(targets)];
  },
};
