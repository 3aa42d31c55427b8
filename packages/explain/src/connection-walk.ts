import { at, type JsonRecord, numberOf, recordOf, textOf } from "@heddle/std";
import { distinct } from "./cluster-walk.ts";
import type { Connection } from "./connection.ts";
import { type FilterWalk, percent, walkHttpFilters } from "./http-filters.ts";
import { has, recordsOf } from "./json.ts";
import { chainFor, gatewayListener, listenerFor } from "./listener-choice.ts";
import { decidedBy, type Origin, sourcesOf } from "./origin.ts";
import { walkPath } from "./path-walk.ts";
import type { ProxyConfigJson } from "./proxy-config.ts";
import { accessDecision } from "./rbac.ts";
import { rewritten } from "./rewrite.ts";
import { conditionText, routeFor, virtualHostFor } from "./route-choice.ts";
import type { Outcome, Step } from "./step.ts";

export type Direction = "outbound" | "inbound" | "gateway";

/** Where a proxy sends a connection or request. */
export interface ConnectionWalk {
  readonly steps: readonly Step[];
  readonly ended: readonly Omit<Outcome, "steps">[];
  readonly clusters: readonly { readonly name: string; readonly share: number }[];
  readonly delayMs: number | undefined;
  /** The request was read as HTTP. */
  readonly http: boolean;
  /** ALPN that the route's filters ask for towards the mesh. */
  readonly meshProtocols: readonly string[] | undefined;
  /** The request as it is passed on; as it came where nothing reads it. */
  readonly headers: Connection["headers"];
}

/** From the listener to the cluster. */
export function walkConnection(config: ProxyConfigJson, connection: Connection, direction: Direction): ConnectionWalk {
  const side = direction === "inbound" ? "server" : "client";
  const steps: Step[] = [];
  const push = (
    stage: Step["stage"],
    name: string,
    because: string,
    by: readonly Origin[],
    details: readonly string[] = [],
  ): void => {
    steps.push({ side, stage, name, because, decidedBy: distinct(by), details });
  };
  const end = (outcome: Omit<Outcome, "steps">): ConnectionWalk => ({
    steps,
    ended: [outcome],
    clusters: [],
    delayMs: undefined,
    http: false,
    meshProtocols: undefined,
    headers: connection.headers,
  });
  const standing = direction === "gateway" ? gatewayListener(config.listeners, connection.port) : undefined;
  const choice =
    direction === "gateway"
      ? standing && { listener: standing, because: `it listens on port ${connection.port}` }
      : listenerFor(config.listeners, connection, direction);
  if (choice === undefined)
    return end({
      share: 1,
      result: "refused",
      reason: `nothing listens on port ${connection.port}; a Gateway's server opens it`,
    });
  const { listener } = choice;
  push("listener", textOf(listener["name"]), choice.because, sourcesOf(listener));
  const chosen = chainFor(listener, connection);
  if (chosen === undefined) {
    const plain = connection.transport === "raw_buffer";
    const mtls = recordsOf(listener["filter_chains"])
      .filter((chain) => numberOf(at(chain, "filter_chain_match", "destination_port")) === connection.port)
      .flatMap((chain) => decidedBy(chain, "mtls") ?? []);
    const reason =
      direction === "inbound" && plain
        ? `the connection is closed: port ${connection.port} takes only mutual TLS${mtls[0] === undefined ? "" : ` (${mtls[0].object} ${mtls[0].path})`}, and the caller speaks plain text`
        : "the connection is closed: no filter chain takes it";
    push("filter chain", "none", reason, mtls);
    return end({ share: 1, result: "refused", flag: "UC", reason });
  }
  const { chain } = chosen;
  const ends = has(chain, "transport_socket");
  const mode = decidedBy(chain, "mtls");
  const route = decidedBy(chain, "route") ?? decidedBy(chain, "outboundTrafficPolicy");
  push(
    "filter chain",
    textOf(chain["name"]) || "(unnamed)",
    chosen.because,
    [...sourcesOf(chain), ...(mode === undefined ? [] : [mode]), ...(route === undefined ? [] : [route])],
    ends ? [`TLS ends here${connection.peer === undefined ? "" : `; the caller is ${connection.peer}`}`] : [],
  );
  if (ends && connection.transport === "raw_buffer")
    return end({
      share: 1,
      result: "refused",
      flag: "UC",
      reason: "the connection is closed: TLS is wanted here, and the caller speaks plain text",
    });

  const readable = connection.headers !== undefined && (connection.transport === "raw_buffer" || ends);
  for (const filter of recordsOf(chain["filters"])) {
    const name = textOf(filter["name"]);
    const typed = recordOf(filter["typed_config"]);
    if (name === "envoy.filters.network.rbac") {
      const found = accessDecision(typed["rules"], { ...connection, headers: undefined });
      push("filter", "authorization", found.because, found.decidedBy, [
        `the caller is ${connection.peer ?? "not authenticated (no client certificate)"}`,
      ]);
      if (found.allowed === false)
        return end({ share: 1, result: "refused", flag: "RBAC", reason: `the connection is closed: ${found.because}` });
    } else if (name === "envoy.filters.network.http_connection_manager") {
      if (!readable) {
        const what =
          connection.transport === "tls"
            ? "the bytes inside the application's TLS are no HTTP to this proxy"
            : "the bytes are no HTTP";
        return end({ share: 1, result: "refused", flag: "DPE", reason: `this chain reads HTTP, and ${what}` });
      }
      return walkHttp(config, typed, connection, side, steps);
    } else if (name === "envoy.filters.network.tcp_proxy") {
      const targets = targetsOf(typed);
      push(
        "route",
        targets.map((one) => one.name).join(", "),
        "the bytes are passed on unread",
        [...sourcesOf(chain), ...(route === undefined ? [] : [route])],
        targets.length > 1 ? targets.map((one) => `${percent(one.share)} to ${one.name}`) : [],
      );
      return {
        steps,
        ended: [],
        clusters: targets,
        delayMs: undefined,
        http: false,
        meshProtocols: undefined,
        headers: connection.headers,
      };
    }
  }
  return end({ share: 1, result: "refused", flag: "UC", reason: "the chain has no filter that passes anything on" });
}

/** The clusters of a TCP proxy or of a route's action, with their shares. */
function targetsOf(action: JsonRecord): readonly { readonly name: string; readonly share: number }[] {
  const weighted = recordsOf(at(action, "weighted_clusters", "clusters"));
  if (weighted.length === 0) return [{ name: textOf(action["cluster"]), share: 1 }];
  const total = weighted.reduce((sum, one) => sum + numberOf(one["weight"]), 0);
  return weighted
    .map((one) => ({ name: textOf(one["name"]), share: total === 0 ? 0 : numberOf(one["weight"]) / total }))
    .filter(({ share }) => share > 0);
}

function walkHttp(
  config: ProxyConfigJson,
  manager: JsonRecord,
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
  if (host === undefined)
    return gone(`no virtual host of ${textOf(table["name"])} has the domain ${headers[":authority"]}`, 404, "NR");
  const policy = decidedBy(host.host, "outboundTrafficPolicy");
  steps.push({
    side,
    stage: "virtual host",
    name: textOf(host.host["name"]),
    because: host.because,
    decidedBy: distinct([...sourcesOf(host.host), ...(policy === undefined ? [] : [policy])]),
    details: asked === "" ? [] : [`route configuration ${asked}`],
  });
  const found = routeFor(host.host, headers);
  const passed = found.passed.map(({ route, reason }) => {
    const origin = decidedBy(route, "route");
    return `not ${origin === undefined ? `route ${textOf(route["name"])}` : `${origin.object} ${origin.path}`}: ${reason}`;
  });
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
    const filters = walkHttpFilters(manager, undefined, connection, side);
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
      origin === undefined ? (sourcesOf(route).length > 0 ? sourcesOf(route) : sourcesOf(host.host)) : [origin],
    ),
    details: [...passed, ...actionDetails(route, action)],
  });
  const filters = walkHttpFilters(manager, route, connection, side);
  steps.push(...filters.steps);
  return {
    steps,
    ...afterFilters(route, action, filters),
    http: true,
    meshProtocols: meshProtocols(manager),
    headers: rewritten(headers, route),
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
  const retry = recordOf(action["retry_policy"]);
  const rewrite = textOf(action["prefix_rewrite"]) || textOf(at(action, "regex_rewrite", "substitution"));
  return [
    ...(timeout === "" || timeout === "0s" ? [] : [`timeout ${timeout}`]),
    ...(Object.keys(retry).length === 0
      ? []
      : [`${textOf(retry["num_retries"]) || "1"} retries on ${textOf(retry["retry_on"])}`]),
    ...recordsOf(action["request_mirror_policies"]).map((one) => `a copy goes to ${textOf(one["cluster"])}`),
    ...(rewrite === "" ? [] : [`the path is rewritten to ${rewrite}`]),
    ...(has(action, "host_rewrite_literal") ? [`the host becomes ${textOf(action["host_rewrite_literal"])}`] : []),
    ...(recordsOf(action["hash_policy"]).length > 0 ? ["requests stick to an endpoint by hash"] : []),
    ...(recordsOf(route["request_headers_to_add"]).length > 0 ? ["request headers are added"] : []),
    ...recordsOf(at(action, "weighted_clusters", "clusters")).map(
      (one) => `weight ${textOf(one["weight"]) || "0"}: ${textOf(one["name"])}`,
    ),
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
