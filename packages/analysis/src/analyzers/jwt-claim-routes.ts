import { labelsMatch, readMeta, type StringMap } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";
import { fields } from "../pod-template.ts";

/** Routes by a claim of a token need someone who checks the token. */
export const jwtClaimRoutes: Analyzer = {
  name: "virtualservice.JwtClaimRoute",
  about: "routing by JWT claims has a RequestAuthentication on its gateway",
  codes: ["IST0149"],
  analyze: (input) => {
    const checkers = input.ofKind("security.istio.io", "RequestAuthentication").map((object) => ({
      namespace: readMeta(object.metadata).namespace,
      labels: fields(fields(fields(object["spec"])["selector"])["matchLabels"]) as StringMap,
    }));
    const { objects, settings } = input.state;
    return [...objects.virtualServices.values()].flatMap((service) =>
      service.spec.http.flatMap((route, i) =>
        route.match.flatMap((match, j) => {
          const key = Object.keys({ ...match.headers, ...match.withoutHeaders }).find((name) =>
            name.startsWith("@request.auth.claims"),
          );
          if (key === undefined) return [];
          const guarded = service.spec.gateways.some((name) => {
            const gateway = objects.gateways.get(name.includes("/") ? name : `${service.ref.namespace}/${name}`);
            const pods = gateway === undefined ? [] : input.selected(undefined, gateway.spec.selector);
            return pods.some((pod) =>
              checkers.some(
                ({ namespace, labels }) =>
                  (namespace === pod.namespace || namespace === settings.rootNamespace) &&
                  labelsMatch(labels, pod.labels),
              ),
            );
          });
          return guarded
            ? []
            : [
                finding(
                  "IST0149",
                  service.ref,
                  `spec.http[${i}].match[${j}].headers`,
                  `The virtual service uses the JWT claim based routing (key: ${key}) without request authentication on its gateway: the rule never matches. Add a RequestAuthentication that selects the gateway's pods`,
                ),
              ];
        }),
      ),
    );
  },
};
