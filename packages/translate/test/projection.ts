import type { Registry } from "@bufbuild/protobuf";
import { isObject, type Json, type JsonObject } from "@heddle/config";
import { toDumpJson } from "@heddle/xds-api";
import { ClusterSchema } from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import { ClusterLoadAssignmentSchema } from "@heddle/xds-api/envoy/config/endpoint/v3/endpoint";
import { ListenerSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener";
import { RouteConfigurationSchema } from "@heddle/xds-api/envoy/config/route/v3/route";
import { translateEndpoints } from "../src/index.ts";
import { type BuiltCase, endpointViews } from "../src/mesh-case.testing.ts";

/** Which resources a golden shows, as regular expressions over names. Without a part nothing of it is shown. */
export interface Selection {
  readonly listeners?: string;
  readonly routes?: string;
  readonly clusters?: string;
  readonly endpoints?: string;
  /** Parts in full: `clusters/<name>/<field>/<field>…`. */
  readonly show?: readonly string[];
}

/** What a reader has to know about the resources, one line each. */
export function project(built: BuiltCase, selection: Selection, registry: Registry): JsonObject {
  const dump = {
    listeners: built.resources.listeners.map((listener) => toDumpJson(ListenerSchema, listener, registry)),
    routes: built.resources.routes.map((route) => toDumpJson(RouteConfigurationSchema, route, registry)),
    clusters: built.resources.clusters.map((cluster) => toDumpJson(ClusterSchema, cluster, registry)),
    endpoints: endpointViews(built).map((view) =>
      toDumpJson(ClusterLoadAssignmentSchema, translateEndpoints(view), registry),
    ),
  } as unknown as Record<"listeners" | "routes" | "clusters" | "endpoints", readonly JsonObject[]>;
  const pick = (part: keyof typeof dump, describe: (resource: JsonObject) => Json): JsonObject => {
    const pattern = selection[part];
    if (pattern === undefined) return {};
    const chosen = dump[part].filter((resource) => new RegExp(pattern).test(nameOf(resource)));
    return { [part]: Object.fromEntries(chosen.map((resource) => [nameOf(resource), describe(resource)])) };
  };
  const shown = (selection.show ?? []).map(
    (path) => [path, walk(dump as unknown as JsonObject, path.split("/"))] as const,
  );
  return {
    ...pick("listeners", listenerLines),
    ...pick("routes", routeLines),
    ...pick("clusters", clusterLine),
    ...pick("endpoints", endpointLines),
    ...(shown.length > 0 ? { show: Object.fromEntries(shown) } : {}),
  };
}

function nameOf(resource: JsonObject): string {
  return String(resource["name"] ?? resource["cluster_name"]);
}

function walk(value: Json | undefined, path: readonly string[]): Json {
  let current = value;
  for (const key of path) {
    if (Array.isArray(current))
      current = (current as readonly Json[]).find(
        (item, index) => String(index) === key || (isObject(item) && nameOf(item as JsonObject) === key),
      );
    else current = at(current, key);
  }
  return current ?? null;
}

function at(value: Json | undefined, ...path: readonly (string | number)[]): Json | undefined {
  let current: Json | undefined = value;
  for (const key of path) {
    if (Array.isArray(current)) current = current[Number(key)];
    else current = isObject(current) ? (current as JsonObject)[key] : undefined;
  }
  return current;
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function words(...parts: readonly (Json | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== "").join(" ");
}

function listenerLines(listener: JsonObject): Json {
  const chains = list(listener["filter_chains"]).map((chain) =>
    chainLine(chain, matchText(at(chain, "filter_chain_match"))),
  );
  const fallback = listener["default_filter_chain"];
  const filters = list(listener["listener_filters"]).map((filter) =>
    String(at(filter, "name")).replace("envoy.filters.listener.", ""),
  );
  return [
    ...(filters.length > 0
      ? [`inspect ${filters.join(", ")} for ${String(listener["listener_filters_timeout"] ?? "15s")}`]
      : []),
    ...chains,
    ...(fallback === undefined ? [] : [chainLine(fallback, "else")]),
  ];
}

function matchText(match: Json | undefined): string {
  const text = words(
    at(match, "destination_port") === undefined ? "" : `port ${String(at(match, "destination_port"))}`,
    list(at(match, "prefix_ranges"))
      .map((range) => `to ${String(at(range, "address_prefix"))}/${String(at(range, "prefix_len"))}`)
      .join(" "),
    at(match, "transport_protocol"),
    list(at(match, "server_names")).length > 0 ? `sni ${list(at(match, "server_names")).join(",")}` : "",
    list(at(match, "application_protocols")).join(","),
  );
  return text === "" ? "any" : text;
}

function chainLine(chain: Json, match: string): string {
  const filters = list(at(chain, "filters"));
  const last = filters[filters.length - 1];
  const others = filters.slice(0, -1).map((filter) => String(at(filter, "name")));
  const config = at(last, "typed_config");
  const tls = at(chain, "transport_socket") === undefined ? "" : tlsText(at(chain, "transport_socket", "typed_config"));
  return `${words(match, "→", tls, ...others, terminalText(config))}`;
}

function terminalText(config: Json | undefined): string {
  const weighted = list(at(config, "weighted_clusters", "clusters"));
  if (weighted.length > 0)
    return `tcp ${weighted.map((c) => `${String(at(c, "weight"))}:${String(at(c, "name"))}`).join(" ")}`;
  if (at(config, "cluster") !== undefined) return `tcp ${String(at(config, "cluster"))}`;
  const filters = list(at(config, "http_filters")).map((filter) =>
    String(at(filter, "name")).replace("envoy.filters.http.", ""),
  );
  const routes = at(config, "rds", "route_config_name") ?? `inline ${String(at(config, "route_config", "name"))}`;
  return `http [${filters.join(" ")}] routes ${String(routes)}`;
}

function tlsText(config: Json | undefined): string {
  const inner = at(config, "transport_socket");
  if (inner !== undefined) {
    const version = at(config, "config", "version") ?? "V1";
    return `PROXY ${String(version)} then ${tlsText(at(inner, "typed_config"))}`;
  }
  if (String(at(config, "@type")).endsWith("RawBuffer")) return "plain";
  const common = at(config, "common_tls_context");
  const sans = list(
    at(common, "combined_validation_context", "default_validation_context", "match_typed_subject_alt_names"),
  ).map((san) => {
    const matcher = at(san, "matcher");
    return at(matcher, "exact") ?? `${String(at(matcher, "prefix"))}*`;
  });
  const sni = at(config, "sni");
  const client = at(config, "require_client_certificate") === true ? "client certificate" : "";
  const validated = sans.length > 0 ? `peer ${sans.join(",")}` : "";
  const alpn = list(at(common, "alpn_protocols")).join(",");
  return `tls(${words(client, validated, sni === undefined ? "" : `sni ${String(sni)}`, alpn === "" ? "" : `alpn ${alpn}`)})`;
}

function routeLines(config: JsonObject): Json {
  return Object.fromEntries(
    list(config["virtual_hosts"]).map((host) => [
      String(at(host, "name")),
      { domains: list(at(host, "domains")).join(" "), routes: list(at(host, "routes")).map(routeLine) },
    ]),
  );
}

function routeLine(route: Json): string {
  const { safe_regex, ...rest } = (at(route, "match") ?? {}) as JsonObject;
  const match = words(
    safe_regex === undefined ? "" : `regex ${String(at(safe_regex, "regex"))}`,
    ...Object.entries(rest).map(
      ([key, value]) => `${key} ${typeof value === "string" ? value : JSON.stringify(value)}`,
    ),
  );
  const action = at(route, "route");
  if (action === undefined) {
    const other = at(route, "redirect") ?? at(route, "direct_response");
    return `${match} → ${at(route, "redirect") === undefined ? "respond" : "redirect"} ${JSON.stringify(other)}`;
  }
  const weighted = list(at(action, "weighted_clusters", "clusters")).map(
    (c) => `${String(at(c, "weight") ?? 0)}:${String(at(c, "name"))}`,
  );
  const retry = at(action, "retry_policy");
  return words(
    match,
    "→",
    at(action, "cluster") ?? weighted.join(" "),
    `timeout ${String(at(action, "timeout"))}`,
    retry === undefined ? "" : `retry ${String(at(retry, "num_retries"))}×(${String(at(retry, "retry_on"))})`,
    extras(route, action),
  );
}

/** Whatever else a route sets, by name, so that a golden shows that it is there; `show` prints it in full. */
function extras(route: Json, action: Json): string {
  const common = new Set(["cluster", "weighted_clusters", "timeout", "retry_policy", "max_stream_duration"]);
  const known = new Set(["name", "match", "route", "decorator", "metadata"]);
  const keys = [
    ...Object.keys(action as JsonObject).filter((key) => !common.has(key)),
    ...Object.keys(route as JsonObject).filter((key) => !known.has(key)),
  ];
  return keys.length === 0 ? "" : `with ${keys.join(", ")}`;
}

function clusterLine(cluster: JsonObject): Json {
  const options = Object.values((cluster["typed_extension_protocol_options"] ?? {}) as JsonObject)[0];
  const explicit = at(options, "explicit_http_config");
  const codec =
    at(options, "use_downstream_protocol_config") !== undefined
      ? "as-downstream"
      : at(explicit, "http2_protocol_options") !== undefined
        ? "h2"
        : explicit === undefined
          ? ""
          : "h1";
  const matches = list(cluster["transport_socket_matches"]).map(
    (match) => `${String(at(match, "name"))} ${tlsText(at(match, "transport_socket", "typed_config"))}`,
  );
  const socket =
    cluster["transport_socket"] === undefined ? [] : [tlsText(at(cluster["transport_socket"], "typed_config"))];
  const common = new Set([
    "name",
    "type",
    "lb_policy",
    "connect_timeout",
    "circuit_breakers",
    "typed_extension_protocol_options",
    "metadata",
    "transport_socket_matches",
    "transport_socket",
    "eds_cluster_config",
  ]);
  const more = Object.keys(cluster).filter((key) => !common.has(key));
  const sockets = [...matches.filter((text) => !text.startsWith("tlsMode-disabled")), ...socket];
  const bind = at(cluster["upstream_bind_config"], "source_address", "address");
  return words(
    cluster["type"] ?? "STATIC",
    cluster["lb_policy"] ?? "ROUND_ROBIN",
    codec,
    ...sockets,
    bind === undefined ? "" : `from ${String(bind)}`,
    more.filter((key) => key !== "upstream_bind_config").length === 0
      ? ""
      : `with ${more.filter((key) => key !== "upstream_bind_config").join(", ")}`,
  );
}

function endpointLines(assignment: JsonObject): Json {
  return list(assignment["endpoints"]).flatMap((group) => {
    const locality = at(group, "locality");
    const where = [at(locality, "region"), at(locality, "zone"), at(locality, "sub_zone")]
      .filter((part) => part !== undefined)
      .join("/");
    return list(at(group, "lb_endpoints")).map((entry) => {
      const address = at(entry, "endpoint", "address", "socket_address");
      const metadata = at(entry, "metadata", "filter_metadata");
      const health = at(entry, "health_status");
      return words(
        `${String(at(address, "address"))}:${String(at(address, "port_value"))}`,
        at(metadata, "envoy.transport_socket_match", "tlsMode") === "istio" ? "mtls" : "plain",
        at(metadata, "istio", "workload"),
        where === "" ? "" : `in ${where}`,
        at(group, "priority") === undefined ? "" : `priority ${String(at(group, "priority"))}`,
        health === "HEALTHY" ? "" : health,
      );
    });
  });
}
