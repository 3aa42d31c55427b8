import { at, type JsonRecord, numberOf, recordOf, textOf } from "@heddle/std";
import type { Connection } from "./connection.ts";
import type { ChainFilters } from "./filter-patches.ts";
import { has, recordsOf } from "./json.ts";
import { decidedBy, sourcesOf } from "./origin.ts";
import { type AccessDecision, accessDecision } from "./rbac.ts";
import { fractionOf } from "./route-choice.ts";
import type { Outcome, Step } from "./step.ts";

/** What the filters before the router do to a request. */
export interface FilterWalk {
  readonly steps: readonly Step[];
  /** Ways that end here, with their share. */
  readonly ended: readonly Omit<Outcome, "steps">[];
  /** Part of the requests that goes on. */
  readonly share: number;
  readonly delayMs: number | undefined;
}

/** Filters that change nothing about where a request goes. */
const silent = new Set([
  "envoy.filters.http.set_filter_state",
  "envoy.filters.http.header_to_metadata",
  "envoy.filters.http.router",
  "istio.stats",
  "istio.alpn",
  "istio.metadata_exchange",
  "envoy.filters.http.grpc_stats",
]);

export function walkHttpFilters(
  manager: JsonRecord,
  route: JsonRecord | undefined,
  connection: Connection,
  side: Step["side"],
  { patchesOf }: Pick<ChainFilters, "patchesOf">,
): FilterWalk {
  const steps: Step[] = [];
  const ended: Omit<Outcome, "steps">[] = [];
  let share = 1;
  let delayMs: number | undefined;
  let asked: AccessDecision | undefined;
  const step = (name: string, because: string, by: Step["decidedBy"], details: readonly string[] = []): void => {
    steps.push({ side, stage: "filter", name, because, decidedBy: by, details });
  };
  const routeOrigin = (): Step["decidedBy"] => {
    const at = decidedBy(route, "route");
    return at === undefined ? sourcesOf(route) : [at];
  };
  for (const filter of recordsOf(manager["http_filters"])) {
    const name = textOf(filter["name"]);
    const config = recordOf(filter["typed_config"]);
    const own = recordOf(at(route, "typed_per_filter_config", name));
    if (filter["disabled"] === true && Object.keys(own).length === 0) continue;
    if (silent.has(name)) continue;
    if (name === "envoy.filters.http.rbac") {
      if (has(config, "shadow_rules")) asked = accessDecision(config["shadow_rules"], connection);
      if (!has(config, "rules")) continue;
      const { allowed, because, decidedBy: by } = accessDecision(config["rules"], connection);
      step("authorization", because, by, [
        `the caller is ${connection.peer ?? "not authenticated (no client certificate)"}`,
      ]);
      if (allowed === false) {
        ended.push({ share, result: "refused", status: 403, flag: "RBAC", reason: `RBAC: access denied: ${because}` });
        return { steps, ended, share: 0, delayMs };
      }
    } else if (name === "envoy.filters.http.fault") {
      const delay = recordOf(own["delay"]);
      const abort = recordOf(own["abort"]);
      const slow = fractionOf(delay["percentage"]);
      if (has(delay, "fixed_delay") && slow > 0) {
        const ms = Math.round(Number(textOf(delay["fixed_delay"]).replace("s", "")) * 1000);
        step("fault", `${percent(slow)} of the requests are delayed by ${ms} ms`, faultPath(routeOrigin(), "delay"));
        delayMs = ms;
      }
      const bad = fractionOf(abort["percentage"]);
      if (Object.keys(abort).length > 0 && bad > 0) {
        const grpc = has(abort, "grpc_status");
        const status = grpc ? 200 : numberOf(abort["http_status"]);
        const what = grpc ? `gRPC status ${textOf(abort["grpc_status"])}` : `${status}`;
        step("fault", `${percent(bad)} of the requests are answered ${what}`, faultPath(routeOrigin(), "abort"));
        ended.push({
          share: share * bad,
          result: "answered",
          status,
          flag: "FI",
          reason: `fault injection answers ${what}`,
          ...(delayMs === undefined ? {} : { delayMs }),
        });
        share *= 1 - bad;
        if (share <= 0) return { steps, ended, share: 0, delayMs };
      }
    } else if (name === "envoy.filters.http.cors") {
      const origin = connection.headers?.["origin"];
      const preflight =
        connection.headers?.[":method"] === "OPTIONS" && has(connection.headers, "access-control-request-method");
      if (Object.keys(own).length > 0 && preflight && origin !== undefined)
        step("cors", "the preflight is answered here if its origin is allowed, else passed on", routeOrigin());
    } else if (name === "envoy.filters.http.ext_authz" && has(config, "filter_enabled_metadata")) {
      // Policies with action CUSTOM mark what the service is asked about.
      if (asked?.allowed === true) continue;
      const who = textOf(config["stat_prefix"]) || "an authorization service";
      step("authorization", `${who} is asked; its answer is taken as yes`, asked?.decidedBy ?? []);
    } else step(name, "its outcome depends on the running proxy; taken as passed", patchesOf(name));
  }
  return { steps, ended, share, delayMs };
}

function faultPath(origins: Step["decidedBy"], what: string): Step["decidedBy"] {
  return origins.map(({ object, path }) => ({
    object,
    path: `${(path ?? "spec").replace(/\.match\[\d+\]$/, "")}.fault.${what}`,
  }));
}

export function percent(share: number): string {
  return `${Number((share * 100).toFixed(4))} %`;
}
