import { labelsMatch } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";
import { labelsText } from "./selector-conflicts.ts";

/** A Gateway selects proxies, and their Service brings its ports. */
export const gatewayPorts: Analyzer = {
  name: "gateway.IngressGatewayPort",
  about: "the selector of a Gateway finds pods, and their Service has the ports of its servers",
  codes: ["IST0101", "IST0162"],
  analyze: (input) =>
    [...input.state.objects.gateways.values()].flatMap(({ ref, spec }) => {
      const pods = input.selected(undefined, spec.selector);
      if (pods.length === 0)
        return [
          finding(
            "IST0101",
            ref,
            "spec.selector",
            `Referenced selector not found: "${labelsText(spec.selector)}"; no pod has these labels, so nothing listens. Run a gateway with them, or correct the selector`,
          ),
        ];
      const services = [...input.state.objects.services.values()].filter(
        ({ meta, selector }) =>
          Object.keys(selector).length > 0 &&
          pods.some((pod) => pod.namespace === meta.namespace && labelsMatch(selector, pod.labels)),
      );
      if (services.length === 0) return [];
      return spec.servers.flatMap(({ port }, index) =>
        services.some(({ ports }) => ports.some((one) => one.port === port.number || one.targetPort === port.number))
          ? []
          : [
              finding(
                "IST0162",
                ref,
                `spec.servers[${index}].port.number`,
                `The gateway is listening on a target port (port ${port.number}) that is not defined in the Service associated with its workload instances (Pod selector ${labelsText(spec.selector)}); callers from outside cannot reach it. Add the port to ${services.map(({ meta }) => `${meta.namespace}/${meta.name}`).join(", ")}`,
              ),
            ],
      );
    }),
};
