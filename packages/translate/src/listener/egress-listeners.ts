import { create } from "@bufbuild/protobuf";
import { type OutboundView, protocolNamed, wireOf } from "@heddle/model";
import { TrafficDirection } from "@heddle/xds-api/envoy/config/core/v3/base";
import { type Listener, ListenerSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener";
import { tcpAddress } from "../address.ts";
import { outboundClusterName } from "../cluster/outbound-cluster.ts";
import { connectionManager } from "../http/connection-manager.ts";
import { fallbackTarget } from "./detection.ts";
import { oneCluster, tcpFilters, tcpSettings } from "./tcp-proxy.ts";

/** Ports that a Sidecar's egress opens for applications that connect to the sidecar themselves. */
export function egressListeners(view: OutboundView): readonly Listener[] {
  return view.egress.map(({ bind, port, protocol }) => {
    const name = `${bind}_${port}`;
    const http = wireOf(protocolNamed(protocol) ?? "http") === "http";
    const first = view.services.find((service) => service.ports.some(({ number }) => number === port));
    const servicePort = first?.ports.find(({ number }) => number === port);
    const target =
      first === undefined || servicePort === undefined
        ? fallbackTarget(view)
        : oneCluster(outboundClusterName(first, servicePort));
    const filters = http
      ? [
          connectionManager({
            direction: "outbound",
            statPrefix: `outbound_${name}`,
            dataPlane: view.dataPlane,
            mesh: view.settings.mesh,
            tracing: view.tracing,
            metrics: view.metrics,
            routes: String(port),
          }),
        ]
      : tcpFilters(target, tcpSettings(view));
    return create(ListenerSchema, {
      name,
      address: tcpAddress(bind, port),
      trafficDirection: TrafficDirection.OUTBOUND,
      filterChains: [{ filters }],
    });
  });
}
