import type { Registry } from "@bufbuild/protobuf";
import { loadTypeRegistry, typeUrls } from "@heddle/xds-api";
import { resetEnvoyStats } from "../telemetry/envoy-stats.ts";
import { fleetClusters, fleetStats } from "../workers/fleet-pages.ts";
import type { AdminDeps } from "./admin-server.ts";
import { htmlAnswer, jsonAnswer, textAnswer } from "./answer.ts";
import { certificatesPage } from "./certificates-page.ts";
import { clustersPage } from "./clusters-page.ts";
import { configDump } from "./config-dump.ts";
import { maskedConfigs } from "./field-mask.ts";
import { homePage } from "./home-page.ts";
import { listenersJson, listenersText } from "./listeners-page.ts";
import { loggingPage } from "./logging-page.ts";
import { pageFilter } from "./page-filter.ts";
import { modifyRuntime, runtimePage } from "./runtime-page.ts";
import { initDump, memoryPage, readiness, serverInfo } from "./server-pages.ts";
import { statsPage } from "./stats-page.ts";
import { tapForbidden, tapPage } from "./tap-page.ts";

/** A parameter of a page: what it is, and the values that it can have. Default: any. */
export interface PageParameter {
  readonly name: string;
  readonly help: string;
  readonly choices?: readonly string[];
}

/** A page: what `/help` says of it, and whether only a POST may ask for it, because it changes something. */
export interface Page {
  readonly help: string;
  readonly post?: true;
  readonly parameters?: readonly PageParameter[];
  show(url: URL): Response | Promise<Response>;
}

export type Pages = Readonly<Record<string, Page>>;

/** The page at a path, or why there is none. */
export function showPage(pages: Pages, method: string, url: URL): Response | Promise<Response> {
  const page = Object.hasOwn(pages, url.pathname) ? pages[url.pathname] : undefined;
  if (page === undefined) return textAnswer(`invalid path. ${helpText(pages)}`, 404);
  // A page that a browser could load by accident must not change anything.
  if (page.post === true && method !== "POST") return textAnswer(`Method ${method} not allowed, POST required.`, 405);
  return page.show(url);
}

function helpText(pages: Pages): string {
  let text = "admin commands are:\n";
  for (const [path, { help, post, parameters = [] }] of sortedPages(pages)) {
    text += `  ${path}${post === true ? " (POST)" : ""}: ${help}\n`;
    for (const { name, help, choices } of parameters)
      text += `      ${name}: ${help}${choices === undefined ? "" : `; One of (${choices.join(", ")})`}\n`;
  }
  return text;
}

function sortedPages(pages: Pages): readonly (readonly [string, Page])[] {
  return Object.entries(pages).sort(([a], [b]) => (a < b ? -1 : 1));
}

const FILTER: PageParameter = { name: "filter", help: "regular expression (RE2) that names must match somewhere" };
const INVERT: PageParameter = { name: "invert_filter", help: "names that do not match" };
const FORMAT: PageParameter = { name: "format", help: "form of the answer", choices: ["text", "json"] };
const USED_ONLY: PageParameter = { name: "usedonly", help: "only what was written since the start" };
const STATS_PARAMETERS: readonly PageParameter[] = [
  USED_ONLY,
  FILTER,
  INVERT,
  { ...FORMAT, choices: ["html", "active-html", "text", "json", "prometheus"] },
  { name: "type", help: "kind of statistics", choices: ["All", "Counters", "Histograms", "Gauges", "TextReadouts"] },
  {
    name: "histogram_buckets",
    help: "how histograms are shown",
    choices: ["cumulative", "disjoint", "detailed", "summary"],
  },
];

const PROMETHEUS_PARAMETERS: readonly PageParameter[] = [
  USED_ONLY,
  FILTER,
  INVERT,
  { name: "histogram_buckets", help: "how histograms are shown", choices: ["cumulative", "summary"] },
];

/** All pages by their paths. Source: Envoy's admin interface; `/tap` and `/healthz/ready` are ours. */
export function adminPages(deps: AdminDeps): Pages {
  const { proxy } = deps;
  let registry: Promise<Registry> | undefined;
  const usedBefore = new Set<string>();
  const ok = () => textAnswer("OK\n");
  const ready = () => (proxy.health.failed ? textAnswer("DRAINING\n", 503) : readiness(deps.notReady()));
  const setFailed = (to: boolean) => () => {
    proxy.health.set(to);
    deps.fleet.setHealth(to);
    return ok();
  };
  const stats = async (url: URL) => {
    await deps.beforeStats?.();
    const { view, showsAll } = deps.stats;
    return statsPage({ view, showsAll, usedBefore, stats: () => fleetStats(deps.stats), others: deps.exposition }, url);
  };
  const dumped = async (url: URL) => {
    registry ??= loadTypeRegistry();
    const resource = url.searchParams.get("resource") ?? undefined;
    const names = pageFilter(url.searchParams.get("name_regex"));
    if (!names.ok) return textAnswer(names.error, 400);
    const dump = configDump(proxy.resources, await registry, {
      endpoints: url.searchParams.has("include_eds"),
      resource,
      names: names.value,
      bootstrap: deps.bootstrap(),
      agentSecrets: deps.agentSecrets(),
      isStatic: deps.isStatic,
    });
    if (dump === undefined) return textAnswer(`${resource} not found in config dump`, 404);
    const mask = url.searchParams.get("mask");
    if (mask === null || mask === "") return jsonAnswer(dump);
    const some = maskedConfigs(dump, mask);
    return some === undefined
      ? textAnswer(`FieldMask ${mask} could not be successfully applied to any configs.`, 400)
      : jsonAnswer(some);
  };
  const drained = ({ searchParams }: URL) => {
    const inboundOnly = searchParams.has("inboundonly");
    const stays = searchParams.has("skip_exit");
    const later = searchParams.has("graceful");
    deps.onDrain({ inboundOnly, closePorts: !stays && !later });
    if (later && !stays) deps.after(deps.drainMs, () => deps.onDrain({ inboundOnly, closePorts: true }));
    return ok();
  };
  const pages: Pages = {
    "/": { help: "this list as a page", show: () => htmlAnswer(homePage(sortedPages(pages), deps.version)) },
    "/help": { help: "this list", show: () => textAnswer(helpText(pages)) },
    "/ready": { help: "200 once the proxy serves, else 503 with the reason", show: ready },
    "/healthz/ready": { help: "the same for the kubelet", show: ready },
    "/healthcheck/fail": {
      help: "answer /ready and health checks with 503 from now on",
      post: true,
      show: setFailed(true),
    },
    "/healthcheck/ok": { help: "take that back", post: true, show: setFailed(false) },
    "/stats": { help: "statistics", parameters: STATS_PARAMETERS, show: stats },
    "/stats/prometheus": { help: "all metrics for Prometheus", parameters: PROMETHEUS_PARAMETERS, show: stats },
    "/stats/recentlookups": {
      help: "look-ups of names, of which there are none here",
      show: () => textAnswer("Lookup tracking is not enabled. Names are made when this page is asked for.\n"),
    },
    "/stats/recentlookups/clear": { help: "nothing to clear", post: true, show: ok },
    "/stats/recentlookups/disable": { help: "they are not recorded", post: true, show: ok },
    "/reset_counters": {
      help: "counters begin at zero again",
      post: true,
      show: async () => {
        // What was used stays so. Source: Envoy.
        for (const { name, value } of await fleetStats(deps.stats)) if (value !== 0) usedBefore.add(name);
        resetEnvoyStats(proxy);
        deps.fleet.resetCounters();
        return ok();
      },
    },
    "/config_dump": {
      help: "configuration in force",
      parameters: [
        { name: "resource", help: "one part, such as dynamic_listeners" },
        { name: "name_regex", help: "only resources with such names" },
        { name: "mask", help: "only these fields: PATH,PATH, … in protobuf's names" },
        { name: "include_eds", help: "endpoints too" },
      ],
      show: dumped,
    },
    "/clusters": {
      help: "clusters and their endpoints",
      parameters: [FILTER, FORMAT],
      show: async (url) =>
        clustersPage(
          await fleetClusters(proxy, deps.fleet),
          (name) => deps.isStatic({ typeUrl: typeUrls.cluster, name }),
          url,
        ),
    },
    "/listeners": {
      help: "listeners and their addresses",
      parameters: [FORMAT],
      show: (url) =>
        url.searchParams.get("format") === "json"
          ? jsonAnswer(listenersJson(proxy.listeners))
          : textAnswer(listenersText(proxy.listeners)),
    },
    "/certs": { help: "certificates in use", show: () => jsonAnswer(certificatesPage(proxy, deps.now())) },
    "/server_info": { help: "version, state, node", show: () => jsonAnswer(serverInfo(deps, proxy.health.failed)) },
    "/runtime": { help: "runtime values by layer", show: () => jsonAnswer(runtimePage(proxy.runtime.layers())) },
    "/runtime_modify": {
      help: "changes values of the admin layer: ?KEY=VALUE; an empty value removes",
      post: true,
      show: (url) => modifyRuntime(proxy.runtime, url, (changes) => deps.fleet.modifyRuntime(changes)),
    },
    // Everything that was asked for is in force once the proxy serves.
    "/init_dump": { help: "what start-up waits for", show: () => jsonAnswer(initDump(deps.notReady())) },
    "/hot_restart_version": { help: "processes are not replaced in place", show: () => textAnswer("disabled\n") },
    "/contention": {
      help: "waiting for locks, of which there are none",
      show: () =>
        textAnswer("Mutex contention tracing is not enabled. The proxy has no locks that could be waited for."),
    },
    ...absentPages(),
    "/memory": { help: "memory of the process", show: async () => memoryPage(deps.fleet) },
    "/heap_dump": {
      help: "heap snapshot, to be opened in a browser's developer tools",
      show: () => new Response(Bun.generateHeapSnapshot("v8"), { headers: { "content-type": "application/json" } }),
    },
    "/logging": {
      help: "levels of the log; NAME=LEVEL changes one part",
      post: true,
      parameters: [
        { name: "level", help: "level of all parts", choices: ["", ...LEVELS] },
        { name: "paths", help: "levels of some parts: NAME:LEVEL,NAME:LEVEL, …" },
      ],
      show: (url) => {
        deps.fleet.setLogging(url.search);
        return loggingPage(deps.log, url);
      },
    },
    "/reopen_logs": {
      help: "access logs go to new files, after a rotation",
      post: true,
      show: () => {
        deps.onReopenLogs();
        return ok();
      },
    },
    "/tap": {
      help: "exchanges as they end",
      parameters: [
        { name: "max_rps", help: "at most so many a second, 100 by default" },
        { name: "recent", help: "the last failures first" },
        { name: "follow", help: "false ends after them", choices: ["true", "false"] },
      ],
      show: async (url) => {
        if (url.searchParams.has("recent")) await deps.fleet.reports();
        return tapPage(deps.tap, url, tapForbidden(deps.node.metadata), deps.now);
      },
    },
    "/drain_listeners": {
      help: "no new connections, and the open ones drain",
      post: true,
      parameters: [
        { name: "graceful", help: "ports close only after the drain time" },
        { name: "skip_exit", help: "ports stay open" },
        { name: "inboundonly", help: "only listeners with traffic_direction INBOUND" },
      ],
      show: drained,
    },
    "/quitquitquit": {
      help: "end the process when running requests are done",
      post: true,
      show: () => {
        deps.onQuit();
        return ok();
      },
    },
  };
  return pages;
}

/** Envoy's pages for tools that the runtime does not have. */
function absentPages(): Pages {
  const instead = "use /heap_dump for memory, and `perf` or the runtime's own profiler for CPU";
  const absent = (post: boolean): Page => ({
    help: "not supported",
    ...(post ? { post: true } : {}),
    show: () => textAnswer(`The built-in proxy does not support this profiler; ${instead}\n`, 501),
  });
  return {
    "/allocprofiler": absent(true),
    "/cpuprofiler": absent(true),
    "/heapprofiler": absent(true),
    "/memory/tcmalloc": absent(false),
    "/peak_heap_dump": absent(false),
    "/stats/recentlookups/enable": absent(true),
  };
}

const LEVELS = ["trace", "debug", "info", "warning", "error", "critical", "off"];
