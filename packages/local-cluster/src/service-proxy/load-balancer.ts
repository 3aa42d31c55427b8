import type { Logger } from "@heddle/std";
import type { ClusterApi, ClusterNetworkPlan } from "../contract/index.ts";
import type { Service } from "./service.ts";
import type { ServiceCatalogue } from "./service-catalogue.ts";

const SERVICES = { group: "", version: "v1", resource: "services" } as const;

/**
 * Gives Services of type LoadBalancer the node's address on the WAN: the service proxy then answers there on the Service's own ports.
 * Where two claim one port, the older keeps it.
 */
export function assignLoadBalancers(
  api: ClusterApi,
  plan: ClusterNetworkPlan,
  catalogue: ServiceCatalogue,
  log: Logger,
): void {
  const assign = (service: Service | undefined) => {
    if (service === undefined) return;
    const has = service.balancerIps.length > 0;
    if (has === (service.type === "LoadBalancer")) return;
    const loadBalancer = has ? { ingress: null } : { ingress: [{ ip: plan.externalIp }] };
    api
      .patch(SERVICES, service.namespace, service.name, { status: { loadBalancer } }, "status")
      .catch((error: unknown) => {
        log.debug("load balancer address not set; the next change of the Service tries again", {
          error: String(error),
        });
      });
  };
  for (const service of catalogue.services()) assign(service);
  catalogue.onChange((key) => {
    const [namespace = "", name = ""] = key.split("/");
    assign(catalogue.service(namespace, name));
  });
}
