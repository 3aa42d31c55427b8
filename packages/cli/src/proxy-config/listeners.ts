import { at, type JsonRecord, listOf, recordOf, textOf } from "@heddle/std";

export const LISTENER_HEADER = ["NAME", "ADDRESSES", "PORT", "MATCH", "DESTINATION"] as const;

/** One row per filter chain, as `istioctl proxy-config listeners` prints them. */
export function listenerRows(listeners: readonly JsonRecord[]): string[][] {
  return listeners.flatMap((listener) => {
    const socket = recordOf(at(listener, "address", "socket_address"));
    const name = textOf(listener["name"]);
    const address = textOf(socket["address"]);
    const port = textOf(socket["port_value"]);
    const chains = [...listOf(listener["filter_chains"])];
    const rows = chains.map((chain) => [
      name,
      address,
      port,
      matchText(at(chain, "filter_chain_match")),
      destinationText(chain),
    ]);
    const fallback = listener["default_filter_chain"];
    return fallback === undefined ? rows : [...rows, [name, address, port, "ALL", destinationText(fallback)]];
  });
}

function matchText(match: unknown): string {
  const m = recordOf(match);
  const parts: string[] = [];
  const names = listOf(m["server_names"]).map(textOf);
  const transport = textOf(m["transport_protocol"]);
  const alpn = listOf(m["application_protocols"]).map(textOf);
  const ranges = listOf(m["prefix_ranges"]).map(
    (r) => `${textOf(at(r, "address_prefix"))}/${textOf(at(r, "prefix_len"))}`,
  );
  const port = textOf(m["destination_port"]);
  if (names.length) parts.push(`SNI: ${names.join(",")}`);
  if (transport) parts.push(`Trans: ${transport}`);
  if (alpn.length) parts.push(`App: ${alpn.join(",")}`);
  if (ranges.length || port) parts.push(`Addr: ${ranges.join(",") || "*"}${port ? `:${port}` : ""}`);
  return parts.join("; ") || "ALL";
}

/** istioctl's `--type`: what the filters of a listener's chains speak. */
export function listenerType(listener: JsonRecord): "HTTP" | "TCP" | "HTTP+TCP" | "UNKNOWN" {
  const chains = [...listOf(listener["filter_chains"]), listener["default_filter_chain"]];
  const types = chains
    .flatMap((chain) => listOf(at(chain, "filters")))
    .map((filter) => textOf(at(filter, "typed_config", "@type")));
  const http = types.some((t) => t.endsWith(".HttpConnectionManager"));
  const tcp = types.some((t) => t.endsWith(".TcpProxy"));
  return http ? (tcp ? "HTTP+TCP" : "HTTP") : tcp ? "TCP" : "UNKNOWN";
}

/** Where the traffic of a chain goes: a route, inline virtual hosts, a cluster, or nowhere. */
function destinationText(chain: unknown): string {
  for (const filter of listOf(at(chain, "filters"))) {
    const config = recordOf(at(filter, "typed_config"));
    const route = textOf(at(config, "rds", "route_config_name"));
    if (route) return `Route: ${route}`;
    const inline = recordOf(config["route_config"]);
    if (Object.keys(inline).length) return `Inline Route: ${clustersOf(inline).join(", ") || textOf(inline["name"])}`;
    const cluster = textOf(config["cluster"]);
    if (cluster) return cluster.includes("|") || cluster.endsWith("Cluster") ? cluster : `Cluster: ${cluster}`;
    const weighted = listOf(at(config, "weighted_clusters", "clusters")).map(
      (c) => `${textOf(at(c, "name"))} (${textOf(at(c, "weight"))})`,
    );
    if (weighted.length) return weighted.join(", ");
  }
  return listOf(at(chain, "filters")).length ? "Non-HTTP/Non-TCP" : "no filters: closed";
}

function clustersOf(routeConfig: JsonRecord): string[] {
  const routes = listOf(routeConfig["virtual_hosts"]).flatMap((v) => listOf(at(v, "routes")));
  return [...new Set(routes.map((r) => textOf(at(r, "route", "cluster"))).filter((c) => c !== ""))];
}
