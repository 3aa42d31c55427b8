import type { Destination } from "@heddle/config";
import { formatClusterName, type OutboundView } from "@heddle/model";

/** The cluster of a destination. A service with one port needs no port; else the port of the listener is meant. */
export function destinationCluster(
  view: Pick<OutboundView, "services">,
  destination: Destination,
  listenerPort: number,
): string {
  const service = view.services.find((candidate) => candidate.hostname === destination.host);
  const only = service?.ports.length === 1 ? service.ports[0]?.number : undefined;
  return formatClusterName({
    direction: "outbound",
    port: destination.port?.number ?? only ?? listenerPort,
    subset: destination.subset ?? "",
    hostname: destination.host,
  });
}
