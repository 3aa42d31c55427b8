import { at, type JsonRecord, numberOf, recordOf, textOf } from "@heddle/std";
import { distinct } from "./cluster-walk.ts";
import type { Connection } from "./connection.ts";
import type { ConnectionWalk } from "./connection-walk.ts";
import type { ChainFilters } from "./filter-patches.ts";
import { type FilterWalk, percent, walkHttpFilters } from "./http-filters.ts";
import { has, listed, recordsOf, textsOf } from "./json.ts";
import { decidedBy, leftOutOf, originText, sourcesOf } from "./origin.ts";
import { walkPath } from "./path-walk.ts";
import type { ProxyConfigJson } from "./proxy-config.ts";
import { rewritten } from "./rewrite.ts";
import { conditionText, fractionOf, routeFor, virtualHostFor } from "./route-choice.ts";
import type { Step } from "./step.ts";
import { targetsOf } from "./targets.ts";

/** From the path to the cluster: what an HttpConnectionManager does. @param own The filters of its chain. */
export function walkHttp(
  config: ProxyConfigJson,
  manager: JsonRecord,
  own: ChainFilters,
  arrived: Connection,
  side: Step["side"],
  before: readonly Step[],
): ConnectionWalk {
  const steps = [...before];
  const normal = walkPath(manager, arrived.headers?.[":path"] ?? "/");
  if (normal.step !== undefined) steps.push({ side, stage: "path", ...normal.step, decidedBy: [] });
  const headers: Readonly<Record<string, string>> = { ...arrived.headers, ":path": normal.path ?? "/" };
  const connection: Connection = { ...arrived, headers };
  const asked = textOf(at(manager, "rds", "route_config_name"));
  const table = asked === "" ? recordOf(manager["route_config"]) : config.routes.find((one) => one["name"] === asked);
  const gone = (reason: string, status: number, flag?: string): ConnectionWalk => ({
    steps,
    ended: [{ share: 1, result: "answered", status, ...(flag === undefined ? {} : { flag }), reason }],
    clusters: [],
    delayMs: undefined,
    http: true,
    meshProtocols: undefined,
    headers,
  });
  if (normal.path === undefined)
    return gone(`the path is refused: ${normal.step?.because ?? ""} (path_normalization_failed)`, 400);
  if (table === undefined) return gone(`the proxy has no route configuration ${asked} yet`, 404, "NR");
  const host = virtualHostFor(table, headers[":authority"] ?? "");
  if (host === undefined) {
    const { because, details } = strayHost(table, headers[":authority"] ?? "");
    steps.push({ side, stage: "virtual host", name: "none", because, decidedBy: distinct(sourcesOf(table)), details });
    return gone(because, 404, "NR");
  }
  const policy = decidedBy(host.host, "outboundTrafficPolicy");
  const hostOrigins = distinct([...sourcesOf(host.host), ...(policy === undefined ? [] : [policy])]);
  steps.push({
    side,
    stage: "virtual host",
    name: textOf(host.host["name"]),
    because: host.because,
    decidedBy: hostOrigins,
    details: asked === "" ? [] : [`route configuration ${asked}`],
  });
  const found = routeFor(host.host, headers);
  const passed = [
    ...leftOutOf(host.host),
    ...found.passed.map(({ route, reason }) => {
      const origin = decidedBy(route, "route");
      return `not ${origin === undefined ? `route ${textOf(route["name"])}` : originText(origin)}: ${reason}`;
    }),
  ];
  if (found.route === undefined) {
    steps.push({
      side,
      stage: "route",
      name: "none",
      because: "no rule matches",
      decidedBy: distinct(sourcesOf(host.host)),
      details: passed,
    });
    // Filters come before the router: they may refuse what has no route.
    const filters = walkHttpFilters(manager, undefined, connection, side, own);
    steps.push(...filters.steps);
    if (filters.share === 0) return { ...gone("", 404), ended: filters.ended };
    return gone(
      "no rule of the virtual host matches the request; a rule without match at the end would take it",
      404,
      "NR",
    );
  }
  const { route } = found;
  const origin = decidedBy(route, "route");
  const action = recordOf(route["route"]);
  steps.push({
    side,
    stage: "route",
    name: textOf(route["name"]) || "(unnamed)",
    because: conditionText(recordOf(route["match"])),
    decidedBy: distinct(
      origin === undefined ? (sourcesOf(route).length > 0 ? sourcesOf(route) : hostOrigins) : [origin],
    ),
    details: [...passed, ...actionDetails(route, action)],
  });
  const filters = walkHttpFilters(manager, route, connection, side, own);
  steps.push(...filters.steps);
  return {
    steps,
    ...afterFilters(route, action, filters),
    http: true,
    meshProtocols: meshProtocols(manager),
    headers: rewritten(headers, route),
  };
}

/** A host that no virtual host takes: at a gateway nobody bound a VirtualService for it. */
function strayHost(table: JsonRecord, authority: string): Pick<Step, "because" | "details"> {
  const servers = sourcesOf(table).filter(({ object }) => /^(Gateway|Ingress) /.test(object));
  const domains = recordsOf(table["virtual_hosts"]).flatMap((one) => textsOf(one["domains"]));
  const details = [`route configuration ${textOf(table["name"])}`, ...leftOutOf(table)];
  if (servers.length === 0)
    return { because: `no virtual host of ${textOf(table["name"])} has the domain ${authority}`, details };
  const where = servers.map(originText).join(", ");
  if (domains.length === 0)
    return {
      because: `nothing is bound to ${where}: no VirtualService names it in spec.gateways and has routes for its hosts`,
      details,
    };
  return {
    because: `nothing that is bound to ${where} has the host ${authority}, or the server's hosts do not let it in`,
    details: [...details, `hosts that are bound: ${listed(domains)}`],
  };
}

function afterFilters(
  route: JsonRecord,
  action: JsonRecord,
  filters: FilterWalk,
): Pick<ConnectionWalk, "ended" | "clusters" | "delayMs"> {
  const { share, delayMs } = filters;
  const delay = delayMs === undefined ? {} : { delayMs };
  const answer = (status: number, reason: string) => ({
    ended: [...filters.ended, ...(share > 0 ? [{ share, result: "answered" as const, status, reason, ...delay }] : [])],
    clusters: [],
    delayMs,
  });
  if (has(route, "direct_response")) {
    const status = numberOf(at(route, "direct_response", "status"));
    const blocked =
      textOf(route["name"]) === "block_all" ? ": outboundTrafficPolicy allows only hosts that the registry has" : "";
    return answer(status, `the route answers ${status} itself${blocked}`);
  }
  if (has(route, "redirect")) {
    const redirect = recordOf(route["redirect"]);
    const status =
      { "": 301, MOVED_PERMANENTLY: 301, FOUND: 302, SEE_OTHER: 303, TEMPORARY_REDIRECT: 307, PERMANENT_REDIRECT: 308 }[
        textOf(redirect["response_code"])
      ] ?? 301;
    return answer(
      status,
      `the route redirects to ${redirect["https_redirect"] === true ? "https" : [redirect["host_redirect"], redirect["path_redirect"] ?? redirect["prefix_rewrite"]].map(textOf).join("")}`,
    );
  }
  return {
    ended: filters.ended,
    clusters: share > 0 ? targetsOf(action).map((one) => ({ name: one.name, share: one.share * share })) : [],
    delayMs,
  };
}

function actionDetails(route: JsonRecord, action: JsonRecord): readonly string[] {
  const timeout = textOf(action["timeout"]);
  const shares = recordsOf(at(action, "weighted_clusters", "clusters"));
  const retry = recordOf(action["retry_policy"]);
  const rewrite = textOf(action["prefix_rewrite"]) || textOf(at(action, "regex_rewrite", "substitution"));
  return [
    ...(timeout === "" || timeout === "0s" ? [] : [`timeout ${timeout}`]),
    ...(Object.keys(retry).length === 0
      ? []
      : [`${textOf(retry["num_retries"]) || "1"} retries on ${textOf(retry["retry_on"])}`]),
    ...recordsOf(action["request_mirror_policies"]).map(
      (one) => `a copy of ${percent(fractionOf(one["runtime_fraction"]))} goes to ${textOf(one["cluster"])}`,
    ),
    ...(rewrite === "" ? [] : [`the path is rewritten to ${rewrite}`]),
    ...(has(action, "host_rewrite_literal") ? [`the host becomes ${textOf(action["host_rewrite_literal"])}`] : []),
    ...(recordsOf(action["hash_policy"]).length > 0 ? ["requests stick to an endpoint by hash"] : []),
    ...(recordsOf(route["request_headers_to_add"]).length > 0 ? ["request headers are added"] : []),
    ...(shares.length < 2 ? [] : shares.map((one) => `weight ${textOf(one["weight"]) || "0"}: ${textOf(one["name"])}`)),
  ];
}

/** What `set_filter_state` tells the TLS towards the mesh to offer. */
function meshProtocols(manager: JsonRecord): readonly string[] | undefined {
  const filter = recordsOf(manager["http_filters"]).find(
    (one) => one["name"] === "envoy.filters.http.set_filter_state",
  );
  for (const value of recordsOf(at(filter, "typed_config", "on_request_headers"))) {
    if (value["object_key"] === "envoy.network.application_protocols")
      return textOf(at(value, "format_string", "text_format_source", "inline_string")).split(",");
  }
  return undefined;
}
