import type { JsonObject, JsonValue, Registry } from "@bufbuild/protobuf";
import { readMessage, toDumpJson, typeUrls } from "@heddle/xds-api";
import { ScopedRouteConfigurationSchema } from "@heddle/xds-api/envoy/config/route/v3/scoped_route";
import {
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  ListenerSchema,
  RouteConfigurationSchema,
  SecretSchema,
} from "../config/proto.ts";
import type { HeldResource, ResourceStore } from "../resources.ts";
import { scopedRoutesDump } from "./scoped-routes-dump.ts";

const SCHEMAS = {
  [typeUrls.listener]: ListenerSchema,
  [typeUrls.route]: RouteConfigurationSchema,
  [typeUrls.scopedRoute]: ScopedRouteConfigurationSchema,
  [typeUrls.cluster]: ClusterSchema,
  [typeUrls.endpoint]: ClusterLoadAssignmentSchema,
  [typeUrls.secret]: SecretSchema,
} as const;

const DUMP = "type.googleapis.com/envoy.admin.v3.";

export interface ConfigDumpOptions {
  /** Endpoints too (`?include_eds`). */
  readonly endpoints: boolean;
  /** Only this part, such as `dynamic_listeners` (`?resource=`). */
  readonly resource: string | undefined;
  /** Only resources with such names (`?name_regex=`). */
  names(name: string): boolean;
  readonly bootstrap: JsonValue | undefined;
  /** True for resources of the bootstrap file. */
  isStatic(held: HeldResource): boolean;
  /** Certificates that the agent holds. */
  readonly agentSecrets: readonly JsonObject[];
}

/** The whole configuration in the form of Envoy's `/config_dump`. Private keys are never in it. Errors: undefined for an unknown part. */
export function configDump(
  store: ResourceStore,
  registry: Registry,
  options: ConfigDumpOptions,
): JsonObject | undefined {
  const parts = (
    typeUrl: keyof typeof SCHEMAS,
    key: string,
    wrap?: (held: HeldResource, body: JsonValue) => JsonObject,
  ) => {
    const fixed: JsonObject[] = [];
    const dynamic: JsonObject[] = [];
    for (const held of store.held(typeUrl)) {
      if (!options.names(held.name)) continue;
      const body = resourceJson(held, typeUrl, registry);
      const entry = wrap?.(held, body) ?? {
        version_info: held.version,
        [key]: body,
        last_updated: new Date(held.updatedMs).toISOString(),
      };
      if (options.isStatic(held)) fixed.push({ [key]: body, last_updated: new Date(held.updatedMs).toISOString() });
      else dynamic.push(entry);
    }
    return { fixed, dynamic };
  };
  const clusters = parts(typeUrls.cluster, "cluster");
  const listeners = parts(typeUrls.listener, "listener", (held, listener) => ({
    name: held.name,
    active_state: { version_info: held.version, listener, last_updated: new Date(held.updatedMs).toISOString() },
    ...errorState(store, typeUrls.listener, held.name),
  }));
  const routes = parts(typeUrls.route, "route_config");
  const secrets = parts(typeUrls.secret, "secret", (held, secret) => ({
    name: held.name,
    version_info: held.version,
    last_updated: new Date(held.updatedMs).toISOString(),
    secret,
  }));
  const endpoints = options.endpoints ? parts(typeUrls.endpoint, "endpoint_config") : { fixed: [], dynamic: [] };
  const configs: JsonObject[] = [
    { "@type": `${DUMP}BootstrapConfigDump`, bootstrap: options.bootstrap ?? {} },
    {
      "@type": `${DUMP}ClustersConfigDump`,
      static_clusters: clusters.fixed,
      dynamic_active_clusters: clusters.dynamic,
    },
    ...(options.endpoints
      ? [
          {
            "@type": `${DUMP}EndpointsConfigDump`,
            static_endpoint_configs: endpoints.fixed,
            dynamic_endpoint_configs: endpoints.dynamic,
          },
        ]
      : []),
    { "@type": `${DUMP}ListenersConfigDump`, static_listeners: listeners.fixed, dynamic_listeners: listeners.dynamic },
    { "@type": `${DUMP}RoutesConfigDump`, static_route_configs: routes.fixed, dynamic_route_configs: routes.dynamic },
    ...scopedRoutesDump(store, registry, options.names),
    {
      "@type": `${DUMP}SecretsConfigDump`,
      static_secrets: secrets.fixed,
      dynamic_active_secrets: [...options.agentSecrets, ...secrets.dynamic],
    },
  ];
  const wanted = options.resource;
  if (wanted === undefined) return { configs };
  for (const config of configs) {
    const list = config[wanted];
    if (!Array.isArray(list)) continue;
    const type = `${String(config["@type"])}.${ENTRY_TYPES[wanted] ?? ""}`;
    return { configs: list.flatMap((entry) => (isJsonObject(entry) ? [{ "@type": type, ...entry }] : [])) };
  }
  return undefined;
}

/** Messages of the parts' entries, inside that of the dump. Source: `envoy.admin.v3`. */
const ENTRY_TYPES: Readonly<Record<string, string>> = {
  static_clusters: "StaticCluster",
  dynamic_active_clusters: "DynamicCluster",
  static_endpoint_configs: "StaticEndpointConfig",
  dynamic_endpoint_configs: "DynamicEndpointConfig",
  static_listeners: "StaticListener",
  dynamic_listeners: "DynamicListener",
  inline_scoped_route_configs: "InlineScopedRouteConfigs",
  dynamic_scoped_route_configs: "DynamicScopedRouteConfigs",
  static_route_configs: "StaticRouteConfig",
  dynamic_route_configs: "DynamicRouteConfig",
  static_secrets: "StaticSecret",
  dynamic_active_secrets: "DynamicSecret",
};

function isJsonObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function errorState(store: ResourceStore, typeUrl: string, name: string): JsonObject {
  const reason = store.rejected().get(`${typeUrl}|${name}`);
  return reason === undefined ? {} : { error_state: { details: reason } };
}

function resourceJson(held: HeldResource, typeUrl: keyof typeof SCHEMAS, registry: Registry): JsonValue {
  const schema = SCHEMAS[typeUrl];
  const json = toDumpJson(schema, readMessage(schema, held.bytes), registry);
  const body = typeof json === "object" && json !== null && !Array.isArray(json) ? json : {};
  return redactKeys({ "@type": held.typeUrl, ...body });
}

/** Envoy prints `[redacted]` in base64 in place of private keys. */
const REDACTED = Buffer.from("[redacted]").toString("base64");

function redactKeys(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(redactKeys);
  if (typeof value !== "object" || value === null) return value;
  const out: Record<string, JsonValue> = {};
  for (const [key, item] of Object.entries(value)) {
    out[key] = key === "private_key" ? { inline_bytes: REDACTED } : redactKeys(item);
  }
  return out;
}
