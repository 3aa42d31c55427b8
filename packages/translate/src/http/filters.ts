import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { DataPlane } from "@heddle/config";
import type { WorkloadMetrics } from "@heddle/model";
import { packAny } from "@heddle/xds-api";
import { FilterStateValue_SharedWithUpstream } from "@heddle/xds-api/envoy/extensions/filters/common/set_filter_state/v3/value";
import { CorsSchema } from "@heddle/xds-api/envoy/extensions/filters/http/cors/v3/cors";
import { HTTPFaultSchema } from "@heddle/xds-api/envoy/extensions/filters/http/fault/v3/fault";
import { FilterConfigSchema as GrpcStatsSchema } from "@heddle/xds-api/envoy/extensions/filters/http/grpc_stats/v3/config";
import { RBACSchema } from "@heddle/xds-api/envoy/extensions/filters/http/rbac/v3/rbac";
import { RouterSchema } from "@heddle/xds-api/envoy/extensions/filters/http/router/v3/router";
import { ConfigSchema as SetFilterStateSchema } from "@heddle/xds-api/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state";
import type { HttpFilterSchema } from "@heddle/xds-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import { authorizerFilter, markFilter } from "../authorization/custom-access.ts";
import type { AccessRules } from "../authorization/rbac.ts";
import { takePeerMetadata } from "./standard-metrics-log.ts";
import { statsConfig } from "./stats-config.ts";

type HttpFilter = MessageInitShape<typeof HttpFilterSchema>;

export type Direction = "inbound" | "outbound";

export interface FilterContext {
  readonly direction: Direction;
  readonly dataPlane: DataPlane;
  readonly metrics: WorkloadMetrics;
  /** Who may call; left out: everybody. */
  readonly access?: AccessRules;
}

/** One HTTP filter: its name, when it is there, and its configuration. */
interface FilterDefinition {
  readonly name: string;
  readonly applies: (context: FilterContext) => boolean;
  readonly config: (context: FilterContext) => Any;
}

/** Routes that lead out of the mesh switch it off. */
export const MESH_PROTOCOLS_FILTER = "envoy.filters.http.set_filter_state";

/**
 * Tells the upstream TLS context to offer "mesh HTTP" instead of the cluster's `istio`, so that the server side knows without
 * looking that HTTP follows (docs/decisions/0001). The stock filter does what Istio's alpn filter does.
 */
function meshHttpProtocols(): Any {
  return packAny(
    SetFilterStateSchema,
    create(SetFilterStateSchema, {
      onRequestHeaders: [
        {
          key: { case: "objectKey", value: "envoy.network.application_protocols" },
          value: {
            case: "formatString",
            value: {
              format: {
                case: "textFormatSource",
                value: { specifier: { case: "inlineString", value: "istio-http/1.1,istio-h2" } },
              },
            },
          },
          sharedWithUpstream: FilterStateValue_SharedWithUpstream.ONCE,
        },
      ],
    }),
  );
}

/** Every HTTP filter of a sidecar; the position is the order in which requests pass. */
const filters: readonly FilterDefinition[] = [
  {
    // The built-in data plane takes the introduction by itself.
    name: "envoy.filters.http.header_to_metadata",
    applies: ({ direction, dataPlane }) => direction === "inbound" && dataPlane === "envoy",
    config: () => takePeerMetadata,
  },
  {
    // Counts messages for the standard metrics; the built-in data plane does so by itself.
    name: "envoy.filters.http.grpc_stats",
    applies: ({ dataPlane, metrics }) => dataPlane === "envoy" && metrics.enabled,
    config: () => packAny(GrpcStatsSchema, create(GrpcStatsSchema, { emitFilterState: true })),
  },
  {
    name: MESH_PROTOCOLS_FILTER,
    applies: ({ direction }) => direction === "outbound",
    config: meshHttpProtocols,
  },
  {
    name: "envoy.filters.http.fault",
    applies: ({ direction }) => direction === "outbound",
    config: () => packAny(HTTPFaultSchema, create(HTTPFaultSchema)),
  },
  {
    name: "envoy.filters.http.rbac",
    applies: ({ access }) => access?.custom.deny !== undefined,
    config: ({ access }) =>
      packAny(RBACSchema, create(RBACSchema, access?.custom.deny === undefined ? {} : { rules: access.custom.deny })),
  },
  {
    name: "envoy.filters.http.rbac",
    applies: ({ access }) => access?.custom.marks !== undefined,
    config: ({ access }) =>
      access === undefined ? packAny(RBACSchema, create(RBACSchema)) : markFilter(access.custom),
  },
  {
    name: "envoy.filters.http.ext_authz",
    applies: ({ access }) => access?.custom.marks !== undefined,
    config: ({ access }) =>
      access === undefined ? packAny(RBACSchema, create(RBACSchema)) : authorizerFilter(access.custom),
  },
  {
    name: "envoy.filters.http.rbac",
    applies: ({ access }) => access?.deny !== undefined,
    config: ({ access }) =>
      packAny(RBACSchema, create(RBACSchema, access?.deny === undefined ? {} : { rules: access.deny })),
  },
  {
    name: "envoy.filters.http.rbac",
    applies: ({ access }) => access?.allow !== undefined,
    config: ({ access }) =>
      packAny(RBACSchema, create(RBACSchema, access?.allow === undefined ? {} : { rules: access.allow })),
  },
  {
    name: "envoy.filters.http.cors",
    applies: () => true,
    config: () => packAny(CorsSchema, create(CorsSchema)),
  },
  {
    // Stock Envoy does not have it (1.40 checked): there the agent makes the standard metrics (standard-metrics-log.ts).
    name: "istio.stats",
    applies: ({ dataPlane }) => dataPlane === "heddle",
    config: ({ metrics }) => statsConfig(metrics),
  },
  {
    name: "envoy.filters.http.router",
    applies: () => true,
    config: () => packAny(RouterSchema, create(RouterSchema)),
  },
];

export function httpFilters(context: FilterContext): HttpFilter[] {
  return filters
    .filter((filter) => filter.applies(context))
    .map((filter) => ({ name: filter.name, configType: { case: "typedConfig", value: filter.config(context) } }));
}
