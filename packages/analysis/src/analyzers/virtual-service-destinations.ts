import { hostMatches } from "@heddle/model";
import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";
import { destinationsOf, ruleHost } from "./destinations.ts";

/** Hosts, ports and subsets that routes lead to exist. */
export const virtualServiceDestinations: Analyzer = {
  name: "virtualservice.DestinationHost",
  about: "every destination of a VirtualService is a service of the mesh, with that port and that subset",
  codes: ["IST0101", "IST0112"],
  analyze: (input) => {
    const { objects, settings } = input.state;
    const rules = [...objects.destinationRules.values()];
    return [...objects.virtualServices.values()].flatMap((service) =>
      destinationsOf(service, settings.domain).flatMap(({ destination, host, path }) => {
        const target = input.serviceOf(host);
        if (target === undefined)
          return [
            finding(
              "IST0101",
              service.ref,
              `${path}.host`,
              `Referenced host not found: "${destination.host}" (${host}); requests would be answered 503. Create the Service or a ServiceEntry, or correct the name`,
            ),
          ];
        const found = [];
        const { port, subset } = destination;
        if (port !== undefined && !target.ports.some(({ number }) => number === port.number))
          found.push(
            finding(
              "IST0101",
              service.ref,
              `${path}.port.number`,
              `Referenced host:port not found: "${host}:${port.number}"; the service has ${target.ports.map(({ number }) => number).join(", ") || "no port"}`,
            ),
          );
        if (port === undefined && target.ports.length > 1 && !target.external)
          found.push(
            finding(
              "IST0112",
              service.ref,
              `${path}.port`,
              `This VirtualService routes to service "${destination.host}" that exposes multiple ports ${target.ports.map(({ number }) => number).join(", ")}; say which by port.number, or each port leads to itself`,
            ),
          );
        const defines = rules.some(
          (rule) =>
            hostMatches(ruleHost(rule, settings.domain), host) && rule.spec.subsets.some(({ name }) => name === subset),
        );
        if (subset !== undefined && subset !== "" && !defines)
          found.push(
            finding(
              "IST0101",
              service.ref,
              `${path}.subset`,
              `Referenced host+subset in destinationrule not found: "${destination.host}+${subset}"; add the subset to a DestinationRule for ${host}`,
            ),
          );
        return found;
      }),
    );
  },
};
