import { refText } from "@heddle/config";
import { gatewayServers, type MeshState, type ProxyNode } from "@heddle/model";
import type { Origin } from "./origin.ts";

/** The port of a gateway's pod at which a Service delivers what clients send to `port`. */
export interface Arrival {
  readonly port: number;
  /** `Service istio-system/istio-ingressgateway`. */
  readonly service: string;
}

/** Where a request meets a gateway. */
export interface GatewayArrival {
  /** Undefined when no Service sends the port to the gateway: then clients have to mean its pod's own port. */
  readonly arrival: Arrival | undefined;
  /** What of Gateways wants it to listen there; without routes it does not. */
  readonly servers: readonly Origin[];
}

export function atGateway(
  state: MeshState,
  gateway: Pick<ProxyNode, "ip" | "namespace" | "labels">,
  port: number,
): GatewayArrival {
  const arrival = arrivalAt(state, gateway.ip, port);
  const servers = gatewayServers(state, gateway)
    .filter(({ ports }) => ports.includes(arrival?.port ?? port))
    .map(({ at }) => ({ object: refText(at.source), path: at.path }));
  return { arrival, servers };
}

function arrivalAt(state: MeshState, ip: string, port: number): Arrival | undefined {
  for (const service of state.services.values()) {
    const known = state.endpoints.get(service.hostname)?.ports.get(port);
    const own = known?.find(({ address }) => address === ip);
    if (own !== undefined && service.source.kind === "Service")
      return { port: own.port, service: refText(service.source) };
  }
  return undefined;
}
