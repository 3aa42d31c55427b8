import type { ClientTls, DestinationRule } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { type Finding, finding } from "../finding.ts";

/** TLS to a server whose certificate nobody checks. */
export const destinationRuleTls: Analyzer = {
  name: "destinationrule.CaCertificate",
  about: "TLS origination verifies the server's certificate",
  codes: ["IST0128", "IST0129"],
  analyze: ({ state }) => [...state.objects.destinationRules.values()].flatMap(ofRule),
};

function unverified(tls: ClientTls | undefined): boolean {
  return (tls?.mode === "SIMPLE" || tls?.mode === "MUTUAL") && tls.insecureSkipVerify === true;
}

function ofRule(rule: DestinationRule): readonly Finding[] {
  const policies = [
    { path: "spec.trafficPolicy", policy: rule.spec.trafficPolicy },
    ...rule.spec.subsets.map((subset, i) => ({
      path: `spec.subsets[${i}].trafficPolicy`,
      policy: subset.trafficPolicy,
    })),
  ];
  const advice =
    "any server may pose as it. Remove insecureSkipVerify and give caCertificates, or the system's roots are used";
  return policies.flatMap(({ path, policy }) => [
    ...(unverified(policy?.tls)
      ? [
          finding(
            "IST0128",
            rule.ref,
            `${path}.tls.insecureSkipVerify`,
            `DestinationRule for host ${rule.spec.host} has TLS mode ${policy?.tls?.mode} without verifying the server's certificate: ${advice}`,
          ),
        ]
      : []),
    ...(policy?.portLevelSettings ?? []).flatMap((level, i) =>
      unverified(level.tls)
        ? [
            finding(
              "IST0129",
              rule.ref,
              `${path}.portLevelSettings[${i}].tls.insecureSkipVerify`,
              `DestinationRule for host ${rule.spec.host} has TLS mode ${level.tls?.mode} at port ${level.port.number} without verifying the server's certificate: ${advice}`,
            ),
          ]
        : [],
    ),
  ]);
}
