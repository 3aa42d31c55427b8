import { at, type JsonRecord, listOf, recordOf, textOf } from "@heddle/std";

export const ROUTE_HEADER = ["NAME", "VHOST NAME", "DOMAINS", "MATCH", "VIRTUAL SERVICE"] as const;

/** One row per route of each virtual host. */
export function routeRows(routes: readonly JsonRecord[]): string[][] {
  return routes
    .flatMap((config) =>
      listOf(config["virtual_hosts"]).flatMap((vhost) =>
        listOf(at(vhost, "routes")).map((route) => [
          textOf(config["name"]),
          textOf(at(vhost, "name")),
          domainsText(listOf(at(vhost, "domains")).map(textOf)),
          pathText(recordOf(at(route, "match"))),
          virtualService(route),
        ]),
      ),
    )
    .sort((a, b) => a.slice(0, 2).join("\u0000").localeCompare(b.slice(0, 2).join("\u0000")));
}

function domainsText(domains: readonly string[]): string {
  return domains.length > 2 ? `${domains.slice(0, 2).join(", ")} + ${domains.length - 2} more...` : domains.join(", ");
}

function pathText(match: JsonRecord): string {
  if (match["path"] !== undefined) return textOf(match["path"]);
  if (match["prefix"] !== undefined) return `${textOf(match["prefix"])}*`;
  const regex = textOf(at(match, "safe_regex", "regex"));
  const separated = textOf(match["path_separated_prefix"]);
  return regex ? `regex ${regex}` : separated ? `PathPrefix:${separated}` : "/*";
}

function virtualService(route: unknown): string {
  const config = textOf(at(route, "metadata", "filter_metadata", "istio", "config"));
  const found = /\/namespaces\/([^/]+)\/virtual-service\/(.+)$/.exec(config);
  if (found) return `${found[2]}.${found[1]}`;
  return at(route, "direct_response") !== undefined ? "404" : "";
}
