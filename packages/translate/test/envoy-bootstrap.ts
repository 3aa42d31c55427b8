import { create, toBinary } from "@bufbuild/protobuf";
import { packAny } from "@heddle/xds-api";
import { type Bootstrap, BootstrapSchema } from "@heddle/xds-api/envoy/config/bootstrap/v3/bootstrap";
import { Cluster_DiscoveryType } from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import { ApiConfigSource_ApiType, ApiVersion } from "@heddle/xds-api/envoy/config/core/v3/config_source";
import { RouterSchema } from "@heddle/xds-api/envoy/extensions/filters/http/router/v3/router";
import { HttpConnectionManagerSchema } from "@heddle/xds-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import { HttpProtocolOptionsSchema } from "@heddle/xds-api/envoy/extensions/upstreams/http/v3/http_protocol_options";
import { tcpAddress } from "../src/address.ts";
import { translateEndpoints } from "../src/index.ts";
import { type BuiltCase, endpointViews } from "../src/mesh-case.testing.ts";

const http2 = {
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": packAny(
    HttpProtocolOptionsSchema,
    create(HttpProtocolOptionsSchema, {
      upstreamProtocolOptions: {
        case: "explicitHttpConfig",
        value: { protocolConfig: { case: "http2ProtocolOptions", value: {} } },
      },
    }),
  ),
};

/**
 * A bootstrap that holds everything statically, so that Envoy checks it without a control plane: route configurations sit in listeners
 * of their own, load assignments in static clusters.
 */
export function staticBootstrap(built: BuiltCase): Bootstrap {
  const { listeners, routes, clusters } = built.resources;
  const routeListeners = routes.map((routeConfig, index) => ({
    name: `routes-${index}`,
    address: tcpAddress("127.0.0.1", 20000 + index),
    filterChains: [
      {
        filters: [
          {
            name: "http",
            configType: {
              case: "typedConfig" as const,
              value: packAny(
                HttpConnectionManagerSchema,
                create(HttpConnectionManagerSchema, {
                  statPrefix: "r",
                  routeSpecifier: { case: "routeConfig", value: routeConfig },
                  httpFilters: [
                    {
                      name: "envoy.filters.http.router",
                      configType: { case: "typedConfig", value: packAny(RouterSchema, create(RouterSchema)) },
                    },
                  ],
                }),
              ),
            },
          },
        ],
      },
    ],
  }));
  const assigned = endpointViews(built).map((view) => ({
    name: `assignment ${view.cluster}`,
    clusterDiscoveryType: { case: "type" as const, value: Cluster_DiscoveryType.STATIC },
    connectTimeout: { seconds: 1n, nanos: 0 },
    loadAssignment: translateEndpoints(view),
  }));
  const helper = (name: string) => ({
    name,
    clusterDiscoveryType: { case: "type" as const, value: Cluster_DiscoveryType.STATIC },
    connectTimeout: { seconds: 1n, nanos: 0 },
    typedExtensionProtocolOptions: http2,
    loadAssignment: {
      clusterName: name,
      endpoints: [
        {
          lbEndpoints: [
            { hostIdentifier: { case: "endpoint" as const, value: { address: tcpAddress("127.0.0.1", 15999) } } },
          ],
        },
      ],
    },
  });
  return create(BootstrapSchema, {
    node: { id: "sidecar~10.0.0.1~a.b~b.svc.cluster.local", cluster: "a.b" },
    dynamicResources: {
      adsConfig: {
        apiType: ApiConfigSource_ApiType.GRPC,
        transportApiVersion: ApiVersion.V3,
        grpcServices: [{ targetSpecifier: { case: "envoyGrpc", value: { clusterName: "xds-grpc" } } }],
      },
    },
    staticResources: {
      listeners: [...listeners, ...routeListeners],
      clusters: [...clusters, ...assigned, helper("sds-grpc"), helper("xds-grpc")],
    },
  });
}

export function bootstrapBytes(built: BuiltCase): Uint8Array {
  return toBinary(BootstrapSchema, staticBootstrap(built));
}
