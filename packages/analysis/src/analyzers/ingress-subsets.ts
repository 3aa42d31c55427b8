import { groupOf, readObjects, readString } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";
import { fields } from "../pod-template.ts";
import { destinationsOf } from "./destinations.ts";

/** Kubernetes Ingress leads past VirtualServices. */
export const ingressSubsets: Analyzer = {
  name: "virtualservice.IngressSubsets",
  about: "no VirtualService counts on subsets for traffic that an Ingress brings",
  codes: ["IST0140"],
  analyze: ({ objects, state }) => {
    const backends = objects
      .filter((object) => groupOf(object.apiVersion) === "networking.k8s.io" && object.kind === "Ingress")
      .flatMap((object) =>
        readObjects(fields(object["spec"])["rules"]).flatMap((rule) =>
          readObjects(fields(rule["http"])["paths"]).map((path) => ({
            ingress: `${object.metadata.namespace ?? ""}/${object.metadata.name}`,
            host: `${readString(fields(fields(path["backend"])["service"])["name"])}.${object.metadata.namespace ?? ""}.svc.${state.settings.domain}`,
          })),
        ),
      );
    return [...state.objects.virtualServices.values()].flatMap((service) =>
      destinationsOf(service, state.settings.domain).flatMap(({ destination, host, path }) => {
        const at = backends.find((backend) => backend.host === host);
        return at === undefined || destination.subset === undefined
          ? []
          : [
              finding(
                "IST0140",
                service.ref,
                `${path}.subset`,
                `Subset in virtual service ${service.ref.namespace}/${service.ref.name} has no effect on ingress ${at.ingress} requests; bring that traffic in by a Gateway`,
              ),
            ];
      }),
    );
  },
};
