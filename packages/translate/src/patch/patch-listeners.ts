import type { JsonObject } from "@bufbuild/protobuf";
import type { ConfigPatch } from "@heddle/config";
import { asObject, asObjects, mergeJson, patchList, textOf } from "./json-merge.ts";
import { patchRouteConfiguration } from "./patch-routes.ts";

type ListenerMatch = NonNullable<ConfigPatch["match"]["listener"]>;

/** The network filter that holds the HTTP filters. */
export const managerName = "envoy.filters.network.http_connection_manager";

/** Applies a patch to one listener: itself, its chains, filters, or the routes that stand inside of it. */
export function patchListener(listener: JsonObject, patch: ConfigPatch, value: JsonObject): JsonObject {
  const match = patch.match.listener;
  const name = textOf(listener["name"]);
  if (match?.name !== undefined && match.name !== name) return listener;
  // One inbound listener serves all ports: there the chain says which.
  const shared = name === "virtualInbound";
  if (!shared && match?.portNumber !== undefined && portOf(listener) !== match.portNumber) return listener;
  const { operation } = patch.patch;
  switch (patch.applyTo) {
    case "LISTENER":
      return operation.startsWith("MERGE")
        ? asObject(mergeJson(listener, value, operation === "MERGE_AND_REPLACE_LIST"))
        : listener;
    case "LISTENER_FILTER": {
      const anchor = match?.listenerFilter;
      const wanted = anchor === undefined ? undefined : (item: JsonObject) => item["name"] === anchor;
      return {
        ...listener,
        listener_filters: patchList(asObjects(listener["listener_filters"]), operation, wanted, value),
      };
    }
    case "FILTER_CHAIN":
      return patchChains(listener, operation, (chain) => chainMatches(chain, match, shared), value);
    default:
      return eachChain(listener, (chain) =>
        chainMatches(chain, match, shared) ? { ...chain, filters: patchFilters(chain, patch, value) } : chain,
      );
  }
}

function portOf(listener: JsonObject): unknown {
  return asObject(asObject(listener["address"])["socket_address"])["port_value"];
}

function patchChains(
  listener: JsonObject,
  operation: ConfigPatch["patch"]["operation"],
  matches: (chain: JsonObject) => boolean,
  value: JsonObject,
): JsonObject {
  const chains = patchList(asObjects(listener["filter_chains"]), operation, matches, value);
  const last = listener["default_filter_chain"];
  if (last === undefined || operation === "ADD" || !matches(asObject(last)))
    return { ...listener, filter_chains: chains };
  const [kept] = patchList([asObject(last)], operation, matches, value);
  const { default_filter_chain: _last, ...rest } = listener;
  return { ...rest, filter_chains: chains, ...(kept === undefined ? {} : { default_filter_chain: kept }) };
}

function eachChain(listener: JsonObject, change: (chain: JsonObject) => JsonObject): JsonObject {
  const last = listener["default_filter_chain"];
  return {
    ...listener,
    ...(listener["filter_chains"] === undefined
      ? {}
      : { filter_chains: asObjects(listener["filter_chains"]).map(change) }),
    ...(last === undefined ? {} : { default_filter_chain: change(asObject(last)) }),
  };
}

function chainMatches(chain: JsonObject, match: ListenerMatch | undefined, shared: boolean): boolean {
  const wanted = match?.filterChain;
  const own = asObject(chain["filter_chain_match"]);
  if (shared && match?.portNumber !== undefined && own["destination_port"] !== match.portNumber) return false;
  if (wanted === undefined) return true;
  const lists = (key: string): readonly unknown[] => (Array.isArray(own[key]) ? own[key] : []);
  if (wanted.name !== undefined && wanted.name !== chain["name"]) return false;
  if (wanted.sni !== undefined && !lists("server_names").includes(wanted.sni)) return false;
  if (wanted.transportProtocol !== undefined && own["transport_protocol"] !== wanted.transportProtocol) return false;
  if (wanted.destinationPort !== undefined && own["destination_port"] !== wanted.destinationPort) return false;
  const protocols = wanted.applicationProtocols?.split(",").map((text) => text.trim()) ?? [];
  if (!protocols.every((protocol) => lists("application_protocols").includes(protocol))) return false;
  const filter = wanted.filter?.name;
  return filter === undefined || asObjects(chain["filters"]).some((item) => item["name"] === filter);
}

function patchFilters(chain: JsonObject, patch: ConfigPatch, value: JsonObject): JsonObject[] {
  const filters = asObjects(chain["filters"]);
  const wanted = patch.match.listener?.filterChain?.filter;
  const { operation } = patch.patch;
  if (patch.applyTo === "NETWORK_FILTER") {
    const anchor = wanted?.name;
    return patchList(filters, operation, anchor === undefined ? undefined : (item) => item["name"] === anchor, value);
  }
  return filters.map((filter) => {
    if (filter["name"] !== managerName) return filter;
    const manager = asObject(filter["typed_config"]);
    return { ...filter, typed_config: patchManager(manager, patch, value) };
  });
}

/** What is inside of the filter that speaks HTTP: its filters, or routes that are not asked for by name. */
function patchManager(manager: JsonObject, patch: ConfigPatch, value: JsonObject): JsonObject {
  if (patch.applyTo !== "HTTP_FILTER") {
    const inline = manager["route_config"];
    return inline === undefined
      ? manager
      : { ...manager, route_config: patchRouteConfiguration(asObject(inline), patch, value) };
  }
  const anchor = patch.match.listener?.filterChain?.filter?.subFilter?.name;
  const wanted = anchor === undefined ? undefined : (item: JsonObject) => item["name"] === anchor;
  const filters = asObjects(manager["http_filters"]);
  // Behind the router nothing is ever reached: what is added goes right before it.
  const { operation } = patch.patch;
  const placed = wanted === undefined && (operation === "ADD" || operation.startsWith("INSERT"));
  const at = placed ? classPosition(filters, patch.patch.filterClass) : undefined;
  if (at !== undefined) return { ...manager, http_filters: [...filters.slice(0, at), value, ...filters.slice(at)] };
  const atEnd = operation === "ADD" || (operation === "INSERT_AFTER" && wanted === undefined);
  const before = atEnd ? "INSERT_BEFORE" : operation;
  const router = (item: JsonObject) => item["name"] === "envoy.filters.http.router";
  return { ...manager, http_filters: patchList(filters, before, atEnd ? router : wanted, value) };
}

const authentication = new Set(["envoy.filters.http.jwt_authn", "istio_authn"]);
const authorization = new Set(["envoy.filters.http.rbac", "envoy.filters.http.ext_authz"]);

/** Where a filter of a class belongs: behind authentication, behind authorization, before the metrics. Undefined: the class says nothing. */
function classPosition(filters: readonly JsonObject[], filterClass: string | undefined): number | undefined {
  if (filterClass === undefined || filterClass === "UNSPECIFIED") return undefined;
  const names = filters.map((filter) => textOf(filter["name"]));
  const behind = (known: ReadonlySet<string>): number => names.findLastIndex((name) => known.has(name)) + 1;
  const before = (name: string): number => (names.includes(name) ? names.indexOf(name) : names.length);
  const last = Math.min(before("istio.stats"), before("envoy.filters.http.router"));
  const authenticated = behind(authentication);
  if (filterClass === "AUTHN") return authenticated;
  return filterClass === "AUTHZ" ? Math.max(authenticated, behind(authorization)) : last;
}
