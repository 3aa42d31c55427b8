import { labelsMatch, type PeerAuthentication } from "@heddle/config";
import { hostMatches } from "@heddle/model";
import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";
import type { AnalysisInput } from "../input.ts";
import { ruleHost } from "./destinations.ts";

/** A client that is told to speak plain text to a server that takes only mutual TLS, or the reverse. */
export const mtlsConflicts: Analyzer = {
  name: "auth.MtlsPolicyConflict",
  about: "DestinationRules ask for the transport that PeerAuthentication accepts",
  codes: ["IST0113"],
  analyze: (input) => {
    const { objects, services, settings } = input.state;
    return [...objects.destinationRules.values()].flatMap((rule) => {
      const tls = rule.spec.trafficPolicy?.tls;
      if (tls?.mode !== "DISABLE" && tls?.mode !== "ISTIO_MUTUAL") return [];
      const host = ruleHost(rule, settings.domain);
      return [...services.values()]
        .filter((service) => hostMatches(host, service.hostname) && Object.keys(service.selector).length > 0)
        .flatMap((service) => {
          const pods = input.selected(service.namespace, service.selector);
          const decided = pods
            .map((pod) => deciding(input, service.namespace, pod.labels))
            .find((one) => one !== undefined);
          const wanted = tls.mode === "DISABLE" ? "STRICT" : "DISABLE";
          if (decided?.mode !== wanted) return [];
          return [
            finding(
              "IST0113",
              rule.ref,
              "spec.trafficPolicy.tls.mode",
              `A DestinationRule and PeerAuthentication ${decided.policy.ref.namespace}/${decided.policy.ref.name} are in conflict: callers of ${service.hostname} are told ${tls.mode}, its workloads take ${decided.mode}; requests fail with 503. ${tls.mode === "DISABLE" ? "Remove tls from the rule: mutual TLS is automatic" : "Change one of them"}`,
            ),
          ];
        });
    });
  },
};

/** The policy that decides a workload's mode: its own, its namespace's, the mesh's. */
function deciding(
  { state }: AnalysisInput,
  namespace: string,
  labels: Readonly<Record<string, string>>,
): { readonly policy: PeerAuthentication; readonly mode: string } | undefined {
  const root = state.settings.rootNamespace;
  const ranked = [...state.objects.peerAuthentications.values()]
    .flatMap((policy) => {
      const wanted = policy.spec.selector?.matchLabels ?? {};
      const own = Object.keys(wanted).length > 0;
      if (policy.ref.namespace === namespace && own && labelsMatch(wanted, labels)) return [{ policy, rank: 0 }];
      if (policy.ref.namespace === namespace && !own) return [{ policy, rank: 1 }];
      return policy.ref.namespace === root && !own ? [{ policy, rank: 2 }] : [];
    })
    .filter(({ policy }) => policy.spec.mtls !== undefined && policy.spec.mtls.mode !== "UNSET")
    .sort((a, b) => a.rank - b.rank);
  const first = ranked[0]?.policy;
  return first?.spec.mtls === undefined ? undefined : { policy: first, mode: first.spec.mtls.mode };
}
