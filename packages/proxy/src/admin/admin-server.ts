import type { JsonObject, JsonValue, Registry } from "@bufbuild/protobuf";
import type { Logger } from "@heddle/std";
import { loadTypeRegistry, typeUrls } from "@heddle/xds-api";
import type { DrainOptions } from "../listener/listener-set.ts";
import type { DataPlane } from "../proxy.ts";
import type { HeldResource } from "../resources.ts";
import { resetEnvoyStats } from "../telemetry/envoy-stats.ts";
import type { Tap } from "../telemetry/tap.ts";
import type { Fleet } from "../workers/fleet.ts";
import { fleetClusters, fleetMemory, fleetStats, type StatsSource } from "../workers/fleet-pages.ts";
import type { AdminRequest } from "./admin-log.ts";
import { jsonAnswer, textAnswer } from "./answer.ts";
import { certificatesPage } from "./certificates-page.ts";
import { clustersPage } from "./clusters-page.ts";
import { configDump } from "./config-dump.ts";
import { maskedConfigs } from "./field-mask.ts";
import { listenersJson, listenersText } from "./listeners-page.ts";
import { loggingPage } from "./logging-page.ts";
import { pageFilter } from "./page-filter.ts";
import { modifyRuntime, runtimePage } from "./runtime-page.ts";
import { prometheusAnswer, statsPage } from "./stats-page.ts";
import { tapForbidden, tapPage } from "./tap-page.ts";

/** What the admin pages show and do. */
export interface AdminDeps {
  readonly proxy: DataPlane;
  /** The other processes, whose counts belong to the pages. */
  readonly fleet: Fleet;
  readonly log: Logger;
  readonly tap: Tap;
  readonly version: string;
  readonly startedMs: number;
  readonly node: { readonly id: string; readonly cluster: string; readonly metadata: JsonObject };
  now(): number;
  /** Undefined when ready, else why not. */
  notReady(): string | undefined;
  readonly stats: StatsSource;
  /** Prometheus text of what is no statistic of Envoy's. */
  exposition(): Promise<string>;
  agentSecrets(): readonly JsonObject[];
  bootstrap(): JsonValue | undefined;
  isStatic(resource: Pick<HeldResource, "typeUrl" | "name">): boolean;
  /** Ports stay open so long after `/drain_listeners?graceful`. Units: ms. */
  readonly drainMs: number;
  after(ms: number, act: () => void): void;
  onQuit(): void;
  onDrain(how: DrainOptions): void;
  /** Told of each request; default: nobody is. */
  onAnswer?(request: AdminRequest): void;
}

/** An HTTP port of the process itself. */
export interface AdminServer {
  close(): Promise<void>;
}

/** A page: what `/help` says of it, and whether only a POST may ask for it, because it changes something. */
interface Page {
  readonly help: string;
  readonly post?: true;
  show(url: URL): Response | Promise<Response>;
}

/** Envoy's admin interface. Errors: throws when the port is taken. */
export function startAdminServer(deps: AdminDeps, hostname: string, port: number): AdminServer {
  const pages = adminPages(deps);
  const server = Bun.serve({
    hostname,
    port,
    development: false,
    fetch: async (request) => {
      const startMs = deps.now();
      const response = await answer(pages, request);
      deps.onAnswer?.({ request, response, startMs, endMs: deps.now() });
      return response;
    },
    error: (error) => textAnswer(`the page failed: ${error.message}\n`, 500),
  });
  return { close: async () => void (await server.stop(true)) };
}

function answer(pages: Readonly<Record<string, Page>>, request: Request): Response | Promise<Response> {
  const url = new URL(request.url);
  const page = pages[url.pathname];
  if (page === undefined) return textAnswer(`invalid path. ${helpText(pages)}`, 404);
  // A page that a browser could load by accident must not change anything.
  if (page.post === true && request.method !== "POST")
    return textAnswer(`Method ${request.method} not allowed, POST required.`, 405);
  return page.show(url);
}

function helpText(pages: Readonly<Record<string, Page>>): string {
  const lines = Object.entries(pages).sort(([a], [b]) => (a < b ? -1 : 1));
  return `admin commands are:\n${lines.map(([path, { help, post }]) => `  ${path}${post === true ? " (POST)" : ""}: ${help}\n`).join("")}`;
}

function adminPages(deps: AdminDeps): Readonly<Record<string, Page>> {
  const { proxy } = deps;
  let registry: Promise<Registry> | undefined;
  let failed = false;
  const ready = () => (failed ? textAnswer("DRAINING\n", 503) : readiness(deps.notReady()));
  const stats = (url: URL) =>
    statsPage(
      {
        view: deps.stats.view,
        showsAll: deps.stats.showsAll,
        stats: () => fleetStats(deps.stats),
        others: deps.exposition,
      },
      url,
    );
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
  const pages: Record<string, Page> = {
    "/": { help: "this list", show: () => textAnswer(`Heddle proxy ${deps.version}\n${helpText(pages)}`) },
    "/help": { help: "this list", show: () => textAnswer(helpText(pages)) },
    "/ready": { help: "200 once the proxy serves, else 503 with the reason", show: ready },
    "/healthz/ready": { help: "the same for the kubelet", show: ready },
    "/healthcheck/fail": {
      help: "answer /ready with 503 from now on",
      post: true,
      show: () => {
        failed = true;
        return textAnswer("OK\n");
      },
    },
    "/healthcheck/ok": {
      help: "take that back",
      post: true,
      show: () => {
        failed = false;
        return textAnswer("OK\n");
      },
    },
    "/stats": {
      help: "statistics; filter=REGEX, type=Counters|Gauges|Histograms, usedonly, format=text|json|prometheus, histogram_buckets=cumulative|disjoint",
      show: stats,
    },
    "/stats/prometheus": { help: "all metrics for Prometheus; filter, type and usedonly as above", show: stats },
    "/stats/recentlookups": {
      help: "look-ups of names, of which there are none here",
      show: () => textAnswer("Lookup tracking is not enabled. Names are made when this page is asked for.\n"),
    },
    "/reset_counters": {
      help: "counters and histograms begin at zero again",
      post: true,
      show: () => {
        resetEnvoyStats(proxy);
        deps.fleet.resetCounters();
        return textAnswer("OK\n");
      },
    },
    "/config_dump": {
      help: "configuration in force; resource=NAME, name_regex=REGEX, mask=FIELD.FIELD,…, include_eds",
      show: dumped,
    },
    "/clusters": {
      help: "clusters and their endpoints; filter=REGEX, format=text|json",
      show: async (url) =>
        clustersPage(
          await fleetClusters(proxy, deps.fleet),
          (name) => deps.isStatic({ typeUrl: typeUrls.cluster, name }),
          url,
        ),
    },
    "/listeners": {
      help: "listeners and their addresses; format=text|json",
      show: (url) =>
        url.searchParams.get("format") === "json"
          ? jsonAnswer(listenersJson(proxy.listeners))
          : textAnswer(listenersText(proxy.listeners)),
    },
    "/certs": { help: "certificates in use", show: () => jsonAnswer(certificatesPage(proxy, deps.now())) },
    "/server_info": { help: "version, state, node", show: () => jsonAnswer(serverInfo(deps, failed)) },
    "/runtime": { help: "runtime values by layer", show: () => jsonAnswer(runtimePage(proxy.runtime.layers())) },
    "/runtime_modify": {
      help: "changes values of the admin layer; KEY=VALUE, KEY= removes",
      post: true,
      show: (url) => modifyRuntime(proxy.runtime, url, (changes) => deps.fleet.modifyRuntime(changes)),
    },
    // Everything that was asked for is in force once the proxy serves.
    "/init_dump": { help: "what start-up waits for", show: () => jsonAnswer(initDump(deps.notReady())) },
    "/hot_restart_version": { help: "processes are not replaced in place", show: () => textAnswer("disabled\n") },
    "/memory": { help: "memory of the process", show: async () => memoryPage(deps.fleet) },
    "/heap_dump": {
      help: "heap snapshot, to be opened in a browser's developer tools",
      show: () => new Response(Bun.generateHeapSnapshot("v8"), { headers: { "content-type": "application/json" } }),
    },
    "/logging": {
      help: "levels; level=LEVEL for all, NAME=LEVEL for a part",
      post: true,
      show: (url) => {
        deps.fleet.setLogging(url.search);
        return loggingPage(deps.log, url);
      },
    },
    "/tap": {
      help: "exchanges as they end; max_rps=N, recent, follow=false",
      show: async (url) => {
        if (url.searchParams.has("recent")) await deps.fleet.reports();
        return tapPage(deps.tap, url, tapForbidden(deps.node.metadata), deps.now);
      },
    },
    "/drain_listeners": {
      help: "no new connections; inboundonly, graceful (ports close after the drain time), skip_exit (ports stay open)",
      post: true,
      show: ({ searchParams }) => {
        const inboundOnly = searchParams.has("inboundonly");
        const stays = searchParams.has("skip_exit");
        const later = searchParams.has("graceful");
        deps.onDrain({ inboundOnly, closePorts: !stays && !later });
        if (later && !stays) deps.after(deps.drainMs, () => deps.onDrain({ inboundOnly, closePorts: true }));
        return textAnswer("OK\n");
      },
    },
    "/quitquitquit": {
      help: "end the process when running requests are done",
      post: true,
      show: () => {
        deps.onQuit();
        return textAnswer("OK\n");
      },
    },
  };
  return pages;
}

/** `/stats/prometheus` and `/healthz/ready` for scrapers and kubelets (15090, 15021). */
export function startProbeServer(
  deps: Pick<AdminDeps, "notReady"> & { metrics(): Promise<string> },
  hostname: string,
  port: number,
): AdminServer {
  const server = Bun.serve({
    hostname,
    port,
    development: false,
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/stats/prometheus") return prometheusAnswer(await deps.metrics());
      // `/ready` is what other clusters ask a gateway.
      if (pathname === "/healthz/ready" || pathname === "/ready") return readiness(deps.notReady());
      return textAnswer("only /stats/prometheus and /healthz/ready are here\n", 404);
    },
  });
  return { close: async () => void (await server.stop(true)) };
}

function readiness(reason: string | undefined): Response {
  return reason === undefined ? textAnswer("LIVE\n") : textAnswer(`PRE_INITIALIZING: ${reason}\n`, 503);
}

function initDump(reason: string | undefined): JsonObject {
  return reason === undefined
    ? {}
    : { unready_targets_dumps: [{ name: "init manager Server", target_names: [reason] }] };
}

async function memoryPage(fleet: Fleet): Promise<Response> {
  const usage = await fleetMemory(process.memoryUsage(), fleet);
  return jsonAnswer({
    allocated: String(usage.heapUsed),
    heap_size: String(usage.heapTotal),
    total_physical_bytes: String(usage.rss),
  });
}

function serverInfo(deps: AdminDeps, failed: boolean): JsonObject {
  const uptime = `${Math.trunc((deps.now() - deps.startedMs) / 1000)}s`;
  return {
    version: `heddle/${deps.version}/Clean/RELEASE/Bun`,
    state: failed ? "DRAINING" : deps.notReady() === undefined ? "LIVE" : "PRE_INITIALIZING",
    uptime_current_epoch: uptime,
    uptime_all_epochs: uptime,
    hot_restart_version: "disabled",
    command_line_options: {
      base_id: "0",
      concurrency: deps.fleet.concurrency,
      service_node: deps.node.id,
      service_cluster: deps.node.cluster,
    },
    node: { id: deps.node.id, cluster: deps.node.cluster, metadata: deps.node.metadata },
  };
}
