import type { JsonObject } from "@bufbuild/protobuf";
import type { ConfigPatch } from "@heddle/config";
import { asObject, asObjects, mergeJson, patchList, textOf } from "./json-merge.ts";

type RouteMatch = NonNullable<ConfigPatch["match"]["routeConfiguration"]>;

/** Applies a patch for route configurations, virtual hosts or routes to one route configuration. */
export function patchRouteConfiguration(config: JsonObject, patch: ConfigPatch, value: JsonObject): JsonObject {
  const match = patch.match.routeConfiguration;
  if (!routeConfigurationMatches(textOf(config["name"]), match)) return config;
  const { operation } = patch.patch;
  if (patch.applyTo === "ROUTE_CONFIGURATION")
    return operation.startsWith("MERGE")
      ? asObject(mergeJson(config, value, operation === "MERGE_AND_REPLACE_LIST"))
      : config;
  const hosts = asObjects(config["virtual_hosts"]);
  const hostMatches = (host: JsonObject): boolean => virtualHostMatches(host, match?.vhost);
  if (patch.applyTo === "VIRTUAL_HOST")
    return { ...config, virtual_hosts: patchList(hosts, operation, hostMatches, value) };
  const route = match?.vhost?.route;
  const wanted = route === undefined ? undefined : (item: JsonObject) => routeMatches(item, route);
  return {
    ...config,
    virtual_hosts: hosts.map((host) =>
      hostMatches(host) ? { ...host, routes: patchList(asObjects(host["routes"]), operation, wanted, value) } : host,
    ),
  };
}

/** Names are `<port>`, `<host>:<port>` of a detected port, `http.<port>` and `https.<port>.<port name>.<gateway>.<namespace>`. */
function routeConfigurationMatches(name: string, match: RouteMatch | undefined): boolean {
  if (match === undefined) return true;
  if (match.name !== undefined && match.name !== name) return false;
  if (match.portNumber !== undefined && portOf(name) !== match.portNumber) return false;
  const gateway = /^https\.\d+\.([^.]+)\.([^.]+)\.([^.]+)$/.exec(name);
  if (match.portName !== undefined && gateway?.[1] !== match.portName) return false;
  // A port shared by several Gateways belongs to none of them alone.
  return match.gateway === undefined || gateway === null || `${gateway[3]}/${gateway[2]}` === match.gateway;
}

function portOf(name: string): number | undefined {
  const found = /^(\d+)$|^https?\.(\d+)|:(\d+)$|^inbound\|(\d+)\|/.exec(name);
  const text = found?.slice(1).find((part) => part !== undefined);
  return text === undefined ? undefined : Number(text);
}

function virtualHostMatches(host: JsonObject, match: RouteMatch["vhost"]): boolean {
  if (match?.name !== undefined && match.name !== host["name"]) return false;
  const domains = Array.isArray(host["domains"]) ? host["domains"] : [];
  return match?.domainName === undefined || domains.includes(match.domainName);
}

function routeMatches(route: JsonObject, match: NonNullable<NonNullable<RouteMatch["vhost"]>["route"]>): boolean {
  if (match.name !== undefined && match.name !== route["name"]) return false;
  switch (match.action) {
    case "ROUTE":
      return route["route"] !== undefined;
    case "REDIRECT":
      return route["redirect"] !== undefined;
    case "DIRECT_RESPONSE":
      return route["direct_response"] !== undefined;
    default:
      return true;
  }
}
