import type { JsonObject, Registry } from "@bufbuild/protobuf";
import { readMessage, toDumpJson, typeUrls } from "@heddle/xds-api";
import { ScopedRouteConfigurationSchema } from "@heddle/xds-api/envoy/config/route/v3/scoped_route";
import type { ScopedRoutes } from "@heddle/xds-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import { typeName } from "../config/any-field.ts";
import { HttpConnectionManagerSchema, ListenerSchema } from "../config/proto.ts";
import type { HeldResource, ResourceStore } from "../resources.ts";

const TYPE = "type.googleapis.com/envoy.admin.v3.ScopedRoutesConfigDump";

/** The part of the dump that says which requests get which route tables; none where no listener has scopes. */
export function scopedRoutesDump(
  store: ResourceStore,
  registry: Registry,
  names: (name: string) => boolean,
): readonly JsonObject[] {
  const inline: JsonObject[] = [];
  const dynamic: JsonObject[] = [];
  const held = store.held(typeUrls.scopedRoute).map(({ bytes }) => readMessage(ScopedRouteConfigurationSchema, bytes));
  const [first] = store.held(typeUrls.scopedRoute);
  for (const listener of store.held(typeUrls.listener)) {
    const last_updated = new Date(listener.updatedMs).toISOString();
    for (const routes of scopedIn(listener)) {
      if (!names(routes.name)) continue;
      const { configSpecifier: source } = routes;
      const list = source.case === "scopedRouteConfigurationsList" ? source.value.scopedRouteConfigurations : held;
      const scoped_route_configs = list.map((scope) => scopeJson(scope, registry));
      const entry = { name: routes.name, scoped_route_configs, last_updated };
      if (source.case === "scopedRouteConfigurationsList") inline.push(entry);
      else if (first !== undefined)
        dynamic.push({
          ...entry,
          version_info: first.version,
          last_updated: new Date(first.updatedMs).toISOString(),
        });
    }
  }
  if (inline.length === 0 && dynamic.length === 0) return [];
  return [{ "@type": TYPE, inline_scoped_route_configs: inline, dynamic_scoped_route_configs: dynamic }];
}

function scopeJson(
  scope: Parameters<typeof toDumpJson<typeof ScopedRouteConfigurationSchema>>[1],
  registry: Registry,
): JsonObject {
  const json = toDumpJson(ScopedRouteConfigurationSchema, scope, registry);
  const body = typeof json === "object" && json !== null && !Array.isArray(json) ? json : {};
  return { "@type": typeUrls.scopedRoute, ...body };
}

function* scopedIn({ bytes }: HeldResource): Iterable<ScopedRoutes> {
  const { filterChains, defaultFilterChain } = readMessage(ListenerSchema, bytes);
  for (const { filters } of [...filterChains, ...(defaultFilterChain === undefined ? [] : [defaultFilterChain])])
    for (const { configType } of filters) {
      if (configType.case !== "typedConfig") continue;
      if (typeName(configType.value.typeUrl) !== HttpConnectionManagerSchema.typeName) continue;
      const { routeSpecifier } = readMessage(HttpConnectionManagerSchema, configType.value.value);
      if (routeSpecifier.case === "scopedRoutes") yield routeSpecifier.value;
    }
}
