import { at, type JsonRecord, numberOf, recordOf, textOf } from "@heddle/std";
import { percent } from "./http-filters.ts";
import { has, recordsOf, textsOf } from "./json.ts";
import type { ProxyConfigJson } from "./proxy-config.ts";
import { conditionText, fractionOf } from "./route-choice.ts";

/** One resource of a proxy. */
export interface Described {
  /** What people have to know first. */
  readonly lines: readonly string[];
  readonly resource: JsonRecord;
}

/** By resource: `listener 0.0.0.0_80`, `route 80`, `cluster outbound|80||web`, `endpoints …`. */
export function describeConfig(config: ProxyConfigJson): ReadonlyMap<string, Described> {
  const found = new Map<string, Described>();
  const add = (
    kind: string,
    all: readonly JsonRecord[],
    linesOf: (one: JsonRecord) => readonly string[],
    name = "name",
  ): void => {
    for (const one of all) found.set(`${kind} ${textOf(one[name])}`, { lines: linesOf(one), resource: one });
  };
  add("listener", config.listeners, listenerLines);
  add("route", config.routes, routeLines);
  add("cluster", config.clusters, clusterLines);
  add("endpoints", config.endpoints, endpointLines, "cluster_name");
  return found;
}

function listenerLines(listener: JsonRecord): readonly string[] {
  const chains = recordsOf(listener["filter_chains"]).map((chain) => chainLines(chain, matchText(chain)));
  const rest = listener["default_filter_chain"];
  return [...chains, ...(rest === undefined ? [] : [chainLines(recordOf(rest), "everything else")])].flat();
}

function matchText(chain: JsonRecord): string {
  const match = recordOf(chain["filter_chain_match"]);
  const parts = [
    has(match, "destination_port") ? `port ${textOf(match["destination_port"])}` : "",
    ...recordsOf(match["prefix_ranges"]).map(
      (one) => `to ${textOf(one["address_prefix"])}/${textOf(one["prefix_len"]) || "0"}`,
    ),
    textsOf(match["server_names"]).length > 0 ? `server name ${textsOf(match["server_names"]).join(",")}` : "",
    textOf(match["transport_protocol"]),
    textsOf(match["application_protocols"]).join(","),
  ].filter((part) => part !== "");
  return parts.length === 0 ? "any connection" : parts.join(" ");
}

function chainLines(chain: JsonRecord, match: string): readonly string[] {
  const tls = has(chain, "transport_socket")
    ? ` after TLS${at(chain, "transport_socket", "typed_config", "require_client_certificate") === true ? " with client certificate" : ""}`
    : "";
  const lines: string[] = [];
  for (const filter of recordsOf(chain["filters"])) {
    const config = recordOf(filter["typed_config"]);
    const type = textOf(config["@type"]);
    if (type.endsWith("TcpProxy")) lines.push(`${match}${tls} -> ${clusterText(config)}`);
    else if (type.endsWith("HttpConnectionManager")) {
      const inline = recordOf(config["route_config"]);
      const routes = textOf(at(config, "rds", "route_config_name"));
      lines.push(`${match}${tls} -> HTTP${routes === "" ? "" : ` by route ${routes}`}`);
      lines.push(
        ...recordsOf(config["http_filters"]).flatMap((one) => filterLines(one).map((line) => `${match}: ${line}`)),
      );
      if (Object.keys(inline).length > 0) lines.push(...routeLines(inline).map((line) => `${match}: ${line}`));
    } else if (has(config, "rules")) lines.push(...rbacLines(config).map((line) => `${match}: ${line}`));
    else if (textOf(filter["name"]) !== "istio.stats") lines.push(`${match}: filter ${textOf(filter["name"])}`);
  }
  return lines;
}

const plain = new Set([
  "istio.stats",
  "envoy.filters.http.router",
  "envoy.filters.http.cors",
  "envoy.filters.http.fault",
  "envoy.filters.http.set_filter_state",
  "envoy.filters.http.header_to_metadata",
]);

function filterLines(filter: JsonRecord): readonly string[] {
  const name = textOf(filter["name"]);
  const config = recordOf(filter["typed_config"]);
  if (name === "envoy.filters.http.rbac") return rbacLines(config);
  return plain.has(name) ? [] : [`filter ${name} ${JSON.stringify(config)}`];
}

function rbacLines(config: JsonRecord): readonly string[] {
  const rules = recordOf(config["rules"]);
  const action = textOf(rules["action"]) || "ALLOW";
  const policies = Object.entries(recordOf(rules["policies"]));
  if (policies.length === 0) return [`${action} nobody`];
  return policies.map(([name, policy]) => `${action} by ${name}: ${JSON.stringify(policy)}`);
}

function clusterText(action: JsonRecord): string {
  const weighted = recordsOf(at(action, "weighted_clusters", "clusters"));
  if (weighted.length === 0) return textOf(action["cluster"]);
  return weighted.map((one) => `${textOf(one["weight"]) || "0"}:${textOf(one["name"])}`).join(" ");
}

function routeLines(config: JsonRecord): readonly string[] {
  return recordsOf(config["virtual_hosts"]).flatMap((host) =>
    recordsOf(host["routes"]).map((route, index) => {
      const hosts = textOf(host["name"]);
      return `${hosts} #${index + 1}: ${conditionText(recordOf(route["match"]))} -> ${actionText(route)}`;
    }),
  );
}

function actionText(route: JsonRecord): string {
  if (has(route, "direct_response")) return `answer ${textOf(at(route, "direct_response", "status"))}`;
  if (has(route, "redirect")) return `redirect ${JSON.stringify(route["redirect"])}`;
  const action = recordOf(route["route"]);
  const fault = recordOf(at(route, "typed_per_filter_config", "envoy.filters.http.fault"));
  const skip = new Set(["cluster", "weighted_clusters", "timeout", "max_stream_duration", "retry_policy"]);
  const more = Object.keys(action).filter((key) => !skip.has(key));
  const retry = recordOf(action["retry_policy"]);
  return [
    clusterText(action),
    textOf(action["timeout"]) === "0s" ? "" : `timeout ${textOf(action["timeout"])}`,
    Object.keys(retry).length === 0
      ? ""
      : `${textOf(retry["num_retries"]) || "1"} retries on ${textOf(retry["retry_on"])}`,
    has(fault, "delay")
      ? `delay ${textOf(at(fault, "delay", "fixed_delay"))} for ${percent(fractionOf(at(fault, "delay", "percentage")))}`
      : "",
    has(fault, "abort")
      ? `abort ${textOf(at(fault, "abort", "http_status")) || textOf(at(fault, "abort", "grpc_status"))} for ${percent(fractionOf(at(fault, "abort", "percentage")))}`
      : "",
    ...more.map((key) => `${key} ${JSON.stringify(action[key])}`),
    ...["request_headers_to_add", "response_headers_to_add", "request_headers_to_remove", "response_headers_to_remove"]
      .filter((key) => has(route, key))
      .map((key) => `${key} ${JSON.stringify(route[key])}`),
  ]
    .filter((part) => part !== "")
    .join(", ");
}

/** Settings that say nothing new, or are told by other lines. */
const untold = new Set(["name", "metadata", "eds_cluster_config", "alt_stat_name", "transport_socket_matches"]);

function clusterLines(cluster: JsonRecord): readonly string[] {
  return Object.entries(cluster)
    .filter(([key]) => !untold.has(key) && key !== "@type")
    .map(([key, value]) => `${key} ${typeof value === "object" ? JSON.stringify(value) : textOf(value)}`)
    .concat(
      recordsOf(cluster["transport_socket_matches"]).length > 0 ? ["mutual TLS where the endpoint has a sidecar"] : [],
    );
}

function endpointLines(assignment: JsonRecord): readonly string[] {
  return recordsOf(assignment["endpoints"]).flatMap((group) =>
    recordsOf(group["lb_endpoints"]).map((one) => {
      const socket = recordOf(at(one, "endpoint", "address", "socket_address"));
      const priority = numberOf(group["priority"]);
      const meshed = has(one, "metadata", "filter_metadata", "envoy.transport_socket_match");
      return `${textOf(socket["address"])}:${textOf(socket["port_value"])}${meshed ? " with sidecar" : ""}${priority > 0 ? ` priority ${priority}` : ""}`;
    }),
  );
}
