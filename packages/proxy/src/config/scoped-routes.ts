import {
  type ScopedRouteConfiguration,
  ScopedRouteConfigurationSchema,
} from "@heddle/xds-api/envoy/config/route/v3/scoped_route";
import {
  ScopedRdsSchema,
  type ScopedRoutes,
  type ScopedRoutes_ScopeKeyBuilder_FragmentBuilder,
  ScopedRoutesSchema,
} from "@heddle/xds-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import { type ConfigOrigin, decodeConfigOrigin } from "./config-origin.ts";
import { decodeRouteTable, type RouteTableConfig } from "./route-table.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** How one part of a request's key is read from a header. */
export interface ScopeFragment {
  /** In lower case. */
  readonly header: string;
  /** Between the elements of its value; "": the value is one. */
  readonly separator: string;
  readonly take:
    | { readonly kind: "index"; readonly index: number }
    | { readonly kind: "element"; readonly separator: string; readonly key: string };
}

/** Routes for the requests with one key. */
export interface RouteScope {
  readonly name: string;
  readonly key: readonly string[];
  readonly routes:
    | { readonly kind: "rds"; readonly name: string }
    | { readonly kind: "inline"; readonly table: RouteTableConfig };
}

/** Which route table a request gets depends on a key in its headers. */
export interface ScopedRoutesConfig {
  readonly kind: "scoped";
  readonly name: string;
  readonly fragments: readonly ScopeFragment[];
  /** Of the tables that scopes name. */
  readonly tablesFrom: ConfigOrigin;
  /** By discovery (SRDS) from there, or in the configuration. */
  readonly scopes:
    | { readonly kind: "srds"; readonly from: ConfigOrigin }
    | { readonly kind: "inline"; readonly list: readonly RouteScope[] };
}

export const SCOPED_ROUTES_SHAPE = shape(ScopedRoutesSchema, [
  "name",
  "scope_key_builder",
  "rds_config_source",
  "scoped_route_configurations_list",
  "scoped_rds",
]);
export const SCOPED_RDS_SHAPE = shape(
  ScopedRdsSchema,
  ["scoped_rds_config_source"],
  {},
  { srds_resources_locator: "xdstp resource locators are not implemented" },
);
export const ROUTE_SCOPE_SHAPE = shape(
  ScopedRouteConfigurationSchema,
  ["name", "key", "route_configuration_name", "route_configuration"],
  {},
  {},
  { only: { on_demand: { values: ["false"], reason: "tables are asked for when their scopes arrive" } } },
);

/** Errors: no way to a key, scopes without keys, two with one key. */
export function decodeScopedRoutes(message: ScopedRoutes, scope: DecodeScope): ScopedRoutesConfig | undefined {
  checkShape(SCOPED_ROUTES_SHAPE, message, scope);
  if (message.name === "") scope.field("name").problem("is required");
  const builders = message.scopeKeyBuilder?.fragments ?? [];
  const at = scope.field("scope_key_builder").field("fragments");
  if (builders.length === 0) at.problem("is required: without it no request has a key");
  const fragments = builders.flatMap((builder, i) => decodeFragment(builder, at.item(i)) ?? []);
  const tablesFrom = decodeConfigOrigin(message.rdsConfigSource, scope.field("rds_config_source")) ?? { kind: "ads" };
  const base = { kind: "scoped", name: message.name, fragments, tablesFrom } as const;
  const { configSpecifier: source } = message;
  switch (source.case) {
    case "scopedRds": {
      const rds = scope.field("scoped_rds");
      checkShape(SCOPED_RDS_SHAPE, source.value, rds);
      const from = decodeConfigOrigin(source.value.scopedRdsConfigSource, rds.field("scoped_rds_config_source"));
      return { ...base, scopes: { kind: "srds", from: from ?? { kind: "ads" } } };
    }
    case "scopedRouteConfigurationsList": {
      const lists = scope.field("scoped_route_configurations_list").field("scoped_route_configurations");
      const list = source.value.scopedRouteConfigurations.flatMap((item, i) => decodeScope(item, lists.item(i)) ?? []);
      const keys = new Map<string, string>();
      list.forEach(({ name, key }, i) => {
        const before = keys.get(scopeKey(key));
        if (before !== undefined) lists.item(i).field("key").problem(sameKey(before));
        keys.set(scopeKey(key), name);
      });
      return { ...base, scopes: { kind: "inline", list } };
    }
    case undefined:
      scope.problem("needs one of scoped_route_configurations_list, scoped_rds");
      return undefined;
  }
}

function decodeFragment(
  { type }: ScopedRoutes_ScopeKeyBuilder_FragmentBuilder,
  scope: DecodeScope,
): ScopeFragment | undefined {
  if (type.case !== "headerValueExtractor") {
    scope.problem("needs a header_value_extractor");
    return undefined;
  }
  const at = scope.field("header_value_extractor");
  const { name, elementSeparator: separator, extractType } = type.value;
  if (name === "") at.field("name").problem("is required");
  const header = name.toLowerCase();
  switch (extractType.case) {
    case "index":
      if (extractType.value > 0 && separator === "")
        at.field("index").problem("without element_separator there is one element, 0");
      return { header, separator, take: { kind: "index", index: extractType.value } };
    case "element": {
      const { separator: between, key } = extractType.value;
      if (between === "") at.field("element").field("separator").problem("is required");
      if (key === "") at.field("element").field("key").problem("is required");
      return { header, separator, take: { kind: "element", separator: between, key } };
    }
    case undefined:
      at.problem("needs one of index, element");
      return undefined;
  }
}

/** Errors: no name, no key, neither routes nor the name of some. */
export function decodeScope(message: ScopedRouteConfiguration, scope: DecodeScope): RouteScope | undefined {
  checkShape(ROUTE_SCOPE_SHAPE, message, scope);
  const { name, routeConfigurationName, routeConfiguration } = message;
  if (name === "") scope.field("name").problem("is required");
  const fragments = message.key?.fragments ?? [];
  if (fragments.length === 0) scope.field("key").problem("is required");
  const key = fragments.map(({ type }) => (type.case === "stringKey" ? type.value : ""));
  if (routeConfiguration !== undefined && routeConfigurationName !== "") {
    scope.problem("has both route_configuration and route_configuration_name; one of them says the routes");
    return undefined;
  }
  if (routeConfiguration !== undefined)
    return {
      name,
      key,
      routes: { kind: "inline", table: decodeRouteTable(routeConfiguration, scope.field("route_configuration")) },
    };
  if (routeConfigurationName === "") {
    scope.problem("needs one of route_configuration, route_configuration_name");
    return undefined;
  }
  return { name, key, routes: { kind: "rds", name: routeConfigurationName } };
}

/** Equal for equal keys only: lengths tell where a part ends. */
export function scopeKey(parts: readonly string[]): string {
  let text = "";
  for (const part of parts) text += `${part.length}:${part}`;
  return text;
}

/** What is wrong with a second scope of the same key. */
export function sameKey(other: string): string {
  return `scope ${other} has the same key; which of the two a request belongs to would be left to chance`;
}
