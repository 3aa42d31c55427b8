import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";

/** Namespaces that rules name exist. */
export const authorizationNamespaces: Analyzer = {
  name: "authz.AuthorizationPolicies",
  about: "namespaces and hosts that an AuthorizationPolicy names exist",
  codes: ["IST0101"],
  analyze: (input) =>
    [...input.state.objects.authorizationPolicies.values()].flatMap(({ ref, spec }) =>
      spec.rules.flatMap((rule, i) => [
        ...rule.from.flatMap(({ source }, j) =>
          (["namespaces", "notNamespaces"] as const).flatMap((field) =>
            source[field].flatMap((name, k) =>
              name.includes("*") || !input.knowsNamespaces || input.namespaceOf(name) !== undefined
                ? []
                : [
                    finding(
                      "IST0101",
                      ref,
                      `spec.rules[${i}].from[${j}].source.${field}[${k}]`,
                      `Referenced namespace not found: "${name}"; no caller can be of it`,
                    ),
                  ],
            ),
          ),
        ),
        ...rule.to.flatMap(({ operation }, j) =>
          operation.hosts.flatMap((host, k) =>
            isMeshName(host, input.state.settings.domain) && input.serviceOf(host) === undefined
              ? [
                  finding(
                    "IST0101",
                    ref,
                    `spec.rules[${i}].to[${j}].operation.hosts[${k}]`,
                    `Referenced host not found: "${host}"; no Service has this name`,
                  ),
                ]
              : [],
          ),
        ),
      ]),
    ),
};

/** Only full names of services can be looked up; anything else may be a name that clients use. */
function isMeshName(host: string, domain: string): boolean {
  return !host.includes("*") && host.endsWith(`.svc.${domain}`);
}
