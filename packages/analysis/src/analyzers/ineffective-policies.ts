import { type AuthorizationPolicy, labelsMatch, targetsOf } from "@heddle/config";
import { wireOf } from "@heddle/model";
import type { Analyzer } from "../analyzer.ts";
import { type Finding, finding } from "../finding.ts";
import type { AnalysisInput } from "../input.ts";
import { hasSidecar } from "../pod-template.ts";

/** Policies that nothing enforces, or that ask for HTTP where bytes are passed on unread. */
export const ineffectivePolicies: Analyzer = {
  name: "security.IneffectivePolicy",
  about: "policies stand before workloads that have a proxy, and rules about HTTP before ports that speak it",
  codes: ["IST0167"],
  analyze: (input) => [
    ...[...input.state.objects.authorizationPolicies.values()].flatMap((policy) => [
      ...unread(policy, input),
      // Targets are Gateways, which are proxies themselves.
      ...(targetsOf(policy.spec).length > 0 ? [] : unenforced(policy, policy.spec.selector?.matchLabels ?? {}, input)),
    ]),
    ...[...input.state.objects.peerAuthentications.values()].flatMap((policy) =>
      unenforced(policy, policy.spec.selector?.matchLabels ?? {}, input),
    ),
  ],
};

type Policy = { readonly ref: AuthorizationPolicy["ref"] };

function unenforced(
  { ref }: Policy,
  labels: Readonly<Record<string, string>>,
  input: AnalysisInput,
): readonly Finding[] {
  if (ref.namespace === input.state.settings.rootNamespace) return [];
  const pods = input.selected(ref.namespace, labels).filter(({ running }) => running);
  return pods.length === 0 || pods.some(hasSidecar)
    ? []
    : [
        finding(
          "IST0167",
          ref,
          "",
          `The policy has no impact: none of the ${pods.length} pods that it is for has a sidecar (${pods[0]?.ref.name}). Label the namespace istio-injection=enabled and restart them`,
        ),
      ];
}

function unread({ ref, spec }: AuthorizationPolicy, input: AnalysisInput): readonly Finding[] {
  const labels = spec.selector?.matchLabels;
  if (labels === undefined) return [];
  const services = [...input.state.services.values()].filter(
    ({ namespace, selector }) =>
      namespace === ref.namespace &&
      Object.keys(selector).length > 0 &&
      input.selected(namespace, labels).some((pod) => labelsMatch(selector, pod.labels)),
  );
  const ports = services.flatMap((service) => service.ports);
  if (ports.length === 0 || !ports.every(({ protocol }) => wireOf(protocol) === "tcp")) return [];
  return spec.rules.flatMap((rule, i) =>
    rule.to.flatMap(({ operation }, j) => {
      const field = (["methods", "notMethods", "paths", "notPaths", "hosts", "notHosts"] as const).find(
        (name) => operation[name].length > 0,
      );
      return field === undefined
        ? []
        : [
            finding(
              "IST0167",
              ref,
              `spec.rules[${i}].to[${j}].operation.${field}`,
              `the selected workloads serve only TCP (${ports.map(({ number }) => number).join(", ")}), where requests are not read: the rule ${spec.action === "DENY" ? "denies by what remains of it" : "allows nothing"}. Decide by ports, or set appProtocol: http`,
            ),
          ];
    }),
  );
}
