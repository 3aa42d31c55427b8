import type { MessageInitShape } from "@bufbuild/protobuf";
import type { OutboundView } from "@heddle/model";
import type { FilterChainSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener_components";
import { blackHoleCluster, passthroughCluster } from "../cluster/fixed-clusters.ts";
import { connectionManager } from "../http/connection-manager.ts";
import { protoDuration } from "../proto-duration.ts";
import { destinationCluster } from "../route/destination-cluster.ts";
import { httpInspector, plainHttpProtocols, tlsInspector } from "./inspectors.ts";
import { oneCluster, type TcpTarget } from "./tcp-proxy.ts";

/** Where unknown connections go, by `outboundTrafficPolicy`. */
export function fallbackTarget(view: OutboundView): TcpTarget {
  return oneCluster(unknownCluster(view));
}

/** An egress proxy takes what would go straight out. */
function unknownCluster(view: OutboundView): string {
  if (view.egressProxy !== undefined)
    return destinationCluster(view, view.egressProxy, view.egressProxy.port?.number ?? 80);
  return view.outboundMode === "REGISTRY_ONLY" ? blackHoleCluster : passthroughCluster;
}

/** A server-first protocol sends nothing to inspect: after the timeout the connection is plain TCP. */
export function detection(view: OutboundView) {
  return {
    listenerFilters: [tlsInspector(), httpInspector()],
    listenerFiltersTimeout: protoDuration(view.settings.mesh.protocolDetectionTimeout),
    continueOnListenerFiltersTimeout: true,
  };
}

/** Plain-text HTTP of a caller, routed by a route configuration. */
export function httpChain(
  view: OutboundView,
  routes: string,
  statPrefix: string,
): MessageInitShape<typeof FilterChainSchema> {
  return {
    filterChainMatch: { transportProtocol: "raw_buffer", applicationProtocols: [...plainHttpProtocols] },
    filters: [
      connectionManager({
        direction: "outbound",
        statPrefix,
        dataPlane: view.dataPlane,
        mesh: view.settings.mesh,
        tracing: view.tracing,
        metrics: view.metrics,
        routes,
      }),
    ],
  };
}
