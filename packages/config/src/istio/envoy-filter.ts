import { list, map, message } from "../schema/compound.ts";
import type { Resource, ResourceDefinition } from "../schema/resource.ts";
import { anyJson, int, oneOf, port, string } from "../schema/scalar.ts";
import { type Infer, ignored, required, withDefault } from "../schema/schema.ts";
import { networkingSelector, targetFields } from "./selector.ts";

const subFilter = message("SubFilterMatch", { name: string() });
const filterMatch = message("FilterMatch", { name: string(), subFilter });

const listenerMatch = message("ListenerMatch", {
  portNumber: port(),
  portName: ignored(string(), "Istio ignores it for sidecars, too; use portNumber or name"),
  filterChain: message("FilterChainMatch", {
    name: string(),
    sni: string(),
    transportProtocol: string(),
    applicationProtocols: string(),
    filter: filterMatch,
    destinationPort: port(),
  }),
  listenerFilter: string(),
  name: string(),
});

const routeConfigurationMatch = message("RouteConfigurationMatch", {
  portNumber: port(),
  portName: string(),
  gateway: string(),
  vhost: message("VirtualHostMatch", {
    name: string(),
    domainName: string(),
    route: message("RouteMatch", {
      name: string(),
      action: oneOf("ANY", "ROUTE", "REDIRECT", "DIRECT_RESPONSE"),
    }),
  }),
  name: string(),
});

const clusterMatch = message("ClusterMatch", {
  portNumber: port(),
  service: string(),
  subset: string(),
  name: string(),
});

const configPatch = message(
  "EnvoyConfigObjectPatch",
  {
    applyTo: required(
      oneOf(
        "LISTENER",
        "FILTER_CHAIN",
        "NETWORK_FILTER",
        "HTTP_FILTER",
        "ROUTE_CONFIGURATION",
        "VIRTUAL_HOST",
        "HTTP_ROUTE",
        "CLUSTER",
        "EXTENSION_CONFIG",
        "BOOTSTRAP",
        "LISTENER_FILTER",
      ),
    ),
    match: withDefault(
      message(
        "EnvoyConfigObjectMatch",
        {
          context: withDefault(oneOf("ANY", "SIDECAR_INBOUND", "SIDECAR_OUTBOUND", "GATEWAY", "WAYPOINT"), "ANY"),
          proxy: message("ProxyMatch", { proxyVersion: string(), metadata: map(string()) }),
          listener: listenerMatch,
          routeConfiguration: routeConfigurationMatch,
          cluster: clusterMatch,
          waypoint: ignored(anyJson(), "ambient mode is not available"),
        },
        { exclusive: [["listener", "routeConfiguration", "cluster"]] },
      ),
      { context: "ANY" },
    ),
    patch: required(
      message("Patch", {
        operation: required(
          oneOf(
            "MERGE",
            "ADD",
            "REMOVE",
            "INSERT_BEFORE",
            "INSERT_AFTER",
            "INSERT_FIRST",
            "REPLACE",
            "MERGE_AND_REPLACE_LIST",
          ),
        ),
        value: anyJson(),
        filterClass: oneOf("UNSPECIFIED", "AUTHN", "AUTHZ", "STATS"),
      }),
    ),
  },
  {
    check(value, path, sink) {
      const { applyTo, patch } = value;
      if (applyTo === "EXTENSION_CONFIG")
        sink.error(
          `${path}.applyTo`,
          "EXTENSION_CONFIG needs ECDS, which is not served; put typed_config into the filter itself",
        );
      if (applyTo === "BOOTSTRAP")
        sink.error(
          `${path}.applyTo`,
          "BOOTSTRAP is not made by the control plane; use ProxyConfig or the pod's annotations",
        );
      if (patch.operation !== "REMOVE" && patch.value === undefined)
        sink.error(`${path}.patch.value`, `is required for ${patch.operation}`);
      const lists = ["NETWORK_FILTER", "HTTP_FILTER", "HTTP_ROUTE", "LISTENER_FILTER"];
      if (patch.operation.startsWith("INSERT") && !lists.includes(applyTo))
        sink.error(`${path}.patch.operation`, `${patch.operation} is for ${lists.join(", ")}; use ADD or MERGE`);
      if (patch.operation === "REPLACE" && !["NETWORK_FILTER", "HTTP_FILTER"].includes(applyTo))
        sink.error(
          `${path}.patch.operation`,
          "REPLACE is for NETWORK_FILTER and HTTP_FILTER; use MERGE, or REMOVE and ADD",
        );
      if (patch.operation === "ADD" && applyTo === "ROUTE_CONFIGURATION")
        sink.error(
          `${path}.patch.operation`,
          "a route configuration can't be added; add a VIRTUAL_HOST to one, or MERGE",
        );
    },
  },
);

const spec = message(
  "EnvoyFilter",
  {
    workloadSelector: networkingSelector,
    targetRefs: targetFields.targetRefs,
    configPatches: list(configPatch),
    priority: withDefault(int(), 0),
  },
  { exclusive: [["workloadSelector", "targetRefs"]] },
);

/** Changes to generated xDS resources, the last resort. Source: istio/api networking/v1alpha3/envoy_filter.proto. */
export const envoyFilter: ResourceDefinition<"EnvoyFilter", Infer<typeof spec>> = {
  group: "networking.istio.io",
  kind: "EnvoyFilter",
  plural: "envoyfilters",
  shortNames: [],
  categories: ["istio-io", "networking-istio-io"],
  versions: ["v1alpha3"],
  scope: "Namespaced",
  spec,
  columns: [],
};

export type EnvoyFilter = Resource<"EnvoyFilter", Infer<typeof spec>>;
export type ConfigPatch = Infer<typeof configPatch>;
