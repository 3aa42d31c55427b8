import type { JsonObject, JsonValue, Registry } from "@bufbuild/protobuf";
import { EXPOSITION_CONTENT_TYPE, type Logger, parseLogLevel } from "@heddle/std";
import { loadTypeRegistry } from "@heddle/xds-api";
import type { DrainOptions } from "../listener/listener-set.ts";
import type { DataPlane } from "../proxy.ts";
import type { HeldResource } from "../resources.ts";
import { envoyStats } from "../telemetry/envoy-stats.ts";
import type { Tap } from "../telemetry/tap.ts";
import { clustersJson, clustersText } from "./clusters-page.ts";
import { configDump } from "./config-dump.ts";
import { listenersJson, listenersText } from "./listeners-page.ts";
import { tapForbidden, tapPage } from "./tap-page.ts";

/** What the admin pages show and do. */
export interface AdminDeps {
  readonly proxy: DataPlane;
  readonly log: Logger;
  readonly tap: Tap;
  readonly version: string;
  readonly startedMs: number;
  readonly node: { readonly id: string; readonly cluster: string; readonly metadata: JsonObject };
  now(): number;
  /** Undefined when ready, else why not. */
  notReady(): string | undefined;
  /** Prometheus text of everything. */
  metrics(): string;
  /** Certificates in use, in the form of `envoy.admin.v3.Certificates`. */
  certificates(): JsonObject;
  agentSecrets(): readonly JsonObject[];
  bootstrap(): JsonValue | undefined;
  isStatic(held: HeldResource): boolean;
  onQuit(): void;
  onDrain(how: DrainOptions): void;
}

/** An HTTP port of the process itself. */
export interface AdminServer {
  close(): Promise<void>;
}

const TEXT = { "content-type": "text/plain; charset=utf-8" };

/** Envoy's admin interface. Errors: throws when the port is taken. */
export function startAdminServer(deps: AdminDeps, hostname: string, port: number): AdminServer {
  let registry: Promise<Registry> | undefined;
  const { proxy } = deps;
  const pages: Readonly<Record<string, (url: URL) => Response | Promise<Response>>> = {
    "/": () =>
      new Response(`Heddle proxy ${deps.version}\n${Object.keys(pages).sort().join("\n")}\n`, { headers: TEXT }),
    "/ready": () => readiness(deps.notReady()),
    "/healthz/ready": () => readiness(deps.notReady()),
    "/stats": (url) => statsPage(deps, url),
    "/stats/prometheus": () => prometheus(deps.metrics()),
    "/config_dump": async (url) => {
      registry ??= loadTypeRegistry();
      const dump = configDump(proxy.resources, await registry, {
        endpoints: url.searchParams.has("include_eds"),
        resource: url.searchParams.get("resource") ?? undefined,
        bootstrap: deps.bootstrap(),
        agentSecrets: deps.agentSecrets(),
        isStatic: deps.isStatic,
      });
      return json(dump);
    },
    "/clusters": (url) => (asJson(url) ? json(clustersJson(proxy.clusters)) : text(clustersText(proxy.clusters))),
    "/listeners": (url) => (asJson(url) ? json(listenersJson(proxy.listeners)) : text(listenersText(proxy.listeners))),
    "/certs": () => json(deps.certificates()),
    "/server_info": () => json(serverInfo(deps)),
    "/memory": () => {
      const usage = process.memoryUsage();
      return json({ allocated: String(usage.heapUsed), heap_size: String(usage.heapTotal), rss: String(usage.rss) });
    },
    "/logging": (url) => logging(deps.log, url),
    "/tap": (url) => tapPage(deps.tap, url, tapForbidden(deps.node.metadata), deps.now),
    "/quitquitquit": () => {
      deps.onQuit();
      return text("OK\n");
    },
    "/drain_listeners": (url) => {
      // `graceful`: the ports stay open while endpoints are being updated; new connections get one answer and close.
      const { searchParams } = url;
      deps.onDrain({ inboundOnly: searchParams.has("inboundonly"), closePorts: !searchParams.has("graceful") });
      return text("OK\n");
    },
  };
  const commands: ReadonlySet<string> = new Set(["/quitquitquit", "/drain_listeners", "/logging"]);
  const server = Bun.serve({
    hostname,
    port,
    development: false,
    fetch: async (request) => {
      const url = new URL(request.url);
      const page = pages[url.pathname];
      if (page === undefined)
        return new Response(`invalid path ${url.pathname}; see / for the pages\n`, { status: 404, headers: TEXT });
      // A page that a browser could load by accident must not change anything.
      if (commands.has(url.pathname) && request.method !== "POST") {
        return new Response(`Method ${request.method} not allowed, POST required.\n`, { status: 405, headers: TEXT });
      }
      return page(url);
    },
    error: (error) => new Response(`the page failed: ${error.message}\n`, { status: 500, headers: TEXT }),
  });
  return { close: async () => void (await server.stop(true)) };
}

/** `/stats/prometheus` and `/healthz/ready` for scrapers and kubelets (15090, 15021). */
export function startProbeServer(
  deps: Pick<AdminDeps, "metrics" | "notReady">,
  hostname: string,
  port: number,
): AdminServer {
  const server = Bun.serve({
    hostname,
    port,
    development: false,
    fetch: (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/stats/prometheus") return prometheus(deps.metrics());
      if (pathname === "/healthz/ready") return readiness(deps.notReady());
      return new Response("only /stats/prometheus and /healthz/ready are here\n", { status: 404, headers: TEXT });
    },
  });
  return { close: async () => void (await server.stop(true)) };
}

function readiness(reason: string | undefined): Response {
  return reason === undefined
    ? new Response("LIVE\n", { headers: TEXT })
    : new Response(`PRE_INITIALIZING: ${reason}\n`, { status: 503, headers: TEXT });
}

function asJson(url: URL): boolean {
  return url.searchParams.get("format") === "json";
}

function text(body: string): Response {
  return new Response(body, { headers: TEXT });
}

function json(body: JsonObject): Response {
  return new Response(`${JSON.stringify(body, null, 1)}\n`, { headers: { "content-type": "application/json" } });
}

function prometheus(body: string): Response {
  return new Response(body, { headers: { "content-type": EXPOSITION_CONTENT_TYPE } });
}

function statsPage(deps: AdminDeps, url: URL): Response {
  if (url.searchParams.get("format") === "prometheus") return prometheus(deps.metrics());
  const filter = url.searchParams.get("filter");
  const usedOnly = url.searchParams.has("usedonly");
  const stats = [...envoyStats(deps.proxy)].filter(
    (stat) => (filter === null || stat.name.includes(filter)) && (!usedOnly || stat.value !== 0),
  );
  if (asJson(url)) return json({ stats: stats.map(({ name, value }) => ({ name, value })) });
  return text(
    stats
      .map(({ name, value }) => `${name}: ${value}\n`)
      .sort()
      .join(""),
  );
}

function serverInfo(deps: AdminDeps): JsonObject {
  const uptime = `${Math.trunc((deps.now() - deps.startedMs) / 1000)}s`;
  return {
    version: `heddle/${deps.version}/Clean/RELEASE/Bun`,
    state: deps.notReady() === undefined ? "LIVE" : "PRE_INITIALIZING",
    uptime_current_epoch: uptime,
    uptime_all_epochs: uptime,
    hot_restart_version: "disabled",
    command_line_options: {
      base_id: "0",
      concurrency: 1,
      service_node: deps.node.id,
      service_cluster: deps.node.cluster,
    },
    node: { id: deps.node.id, cluster: deps.node.cluster, metadata: deps.node.metadata },
  };
}

/** `?level=debug`, or `?<part>=debug` for one part of the program. */
function logging(log: Logger, url: URL): Response {
  for (const [key, value] of url.searchParams) {
    const level = parseLogLevel(value);
    if (level === undefined) {
      return new Response(`${value} is not a log level; use trace, debug, info, warning, error or off\n`, {
        status: 400,
        headers: TEXT,
      });
    }
    if (key === "level") log.setLevel(level);
    else log.setLevel(level, key);
  }
  return text("OK\n");
}
