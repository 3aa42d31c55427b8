import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { DataPlane, MeshConfig } from "@heddle/config";
import type { Tracing, WorkloadMetrics } from "@heddle/model";
import { packAny } from "@heddle/xds-api";
import type { FilterSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener_components";
import type { RouteConfigurationSchema } from "@heddle/xds-api/envoy/config/route/v3/route";
import {
  HttpConnectionManager_ForwardClientCertDetails,
  HttpConnectionManager_PathWithEscapedSlashesAction,
  HttpConnectionManager_ServerHeaderTransformation,
  HttpConnectionManagerSchema,
} from "@heddle/xds-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import { accessLogs } from "../access-log.ts";
import type { AccessRules } from "../authorization/rbac.ts";
import { fromAds } from "../config-source.ts";
import { noTimeout } from "../proto-duration.ts";
import { type Direction, httpFilters } from "./filters.ts";
import { httpMetricsLog } from "./standard-metrics-log.ts";
import { tracingFields } from "./tracing.ts";

export interface ManagerInput {
  /** A gateway is a client of the mesh like an outbound listener, in front of which strangers stand. */
  readonly direction: Direction | "gateway";
  readonly statPrefix: string;
  readonly dataPlane: DataPlane;
  readonly mesh: MeshConfig;
  /** Undefined: no spans. */
  readonly tracing: Tracing | undefined;
  readonly metrics: WorkloadMetrics;
  /** Who may call; left out: everybody. */
  readonly access?: AccessRules;
  /** The name of a route configuration to ask for, or the routes themselves. */
  readonly routes: string | MessageInitShape<typeof RouteConfigurationSchema>;
}

/** The network filter that speaks HTTP. Settings are Istio's for sidecars. */
export function connectionManager(input: ManagerInput): MessageInitShape<typeof FilterSchema> {
  const { direction, mesh, routes } = input;
  const side = direction === "inbound" ? "inbound" : "outbound";
  const paths = mesh.pathNormalization?.normalization ?? "DEFAULT";
  const manager = create(HttpConnectionManagerSchema, {
    statPrefix: input.statPrefix,
    routeSpecifier:
      typeof routes === "string"
        ? { case: "rds", value: { configSource: fromAds, routeConfigName: routes } }
        : { case: "routeConfig", value: routes },
    httpFilters: httpFilters({
      direction: side,
      dataPlane: input.dataPlane,
      metrics: input.metrics,
      ...(input.access === undefined ? {} : { access: input.access }),
    }),
    httpProtocolOptions: { acceptHttp10: false },
    serverName: "istio-envoy",
    // Long polls and streams are the application's business.
    streamIdleTimeout: noTimeout,
    accessLog: [
      ...accessLogs(mesh, "http"),
      ...(input.dataPlane === "envoy" ? httpMetricsLog(side, input.metrics) : []),
    ],
    ...tracingFields(input.tracing, direction === "gateway"),
    upgradeConfigs: [{ upgradeType: "websocket" }],
    normalizePath: paths !== "NONE",
    mergeSlashes: paths === "MERGE_SLASHES" || paths === "DECODE_AND_MERGE_SLASHES",
    pathWithEscapedSlashesAction:
      paths === "DECODE_AND_MERGE_SLASHES"
        ? HttpConnectionManager_PathWithEscapedSlashesAction.UNESCAPE_AND_FORWARD
        : HttpConnectionManager_PathWithEscapedSlashesAction.KEEP_UNCHANGED,
    ...(direction === "gateway" ? edge(mesh) : { useRemoteAddress: false }),
    ...(direction === "inbound"
      ? {
          // The application's own `server` header stays; who called is told in x-forwarded-client-cert.
          serverHeaderTransformation: HttpConnectionManager_ServerHeaderTransformation.PASS_THROUGH,
          forwardClientCertDetails: HttpConnectionManager_ForwardClientCertDetails.APPEND_FORWARD,
          setCurrentClientCertDetails: { subject: true, dns: true, uri: true },
        }
      : {}),
  });
  return {
    name: "envoy.filters.network.http_connection_manager",
    configType: { case: "typedConfig", value: packAny(HttpConnectionManagerSchema, manager) },
  };
}

const forwarding = {
  UNDEFINED: HttpConnectionManager_ForwardClientCertDetails.SANITIZE_SET,
  SANITIZE: HttpConnectionManager_ForwardClientCertDetails.SANITIZE,
  FORWARD_ONLY: HttpConnectionManager_ForwardClientCertDetails.FORWARD_ONLY,
  APPEND_FORWARD: HttpConnectionManager_ForwardClientCertDetails.APPEND_FORWARD,
  SANITIZE_SET: HttpConnectionManager_ForwardClientCertDetails.SANITIZE_SET,
  ALWAYS_FORWARD_ONLY: HttpConnectionManager_ForwardClientCertDetails.ALWAYS_FORWARD_ONLY,
} as const;

/** At the edge nothing that callers say about themselves is believed, beyond the proxies that gatewayTopology trusts. */
function edge(mesh: MeshConfig) {
  const topology = mesh.defaultConfig.gatewayTopology;
  return {
    useRemoteAddress: true,
    xffNumTrustedHops: topology?.numTrustedProxies ?? 0,
    forwardClientCertDetails: forwarding[topology?.forwardClientCertDetails ?? "UNDEFINED"],
    setCurrentClientCertDetails: { subject: true, cert: true, dns: true, uri: true },
  };
}
