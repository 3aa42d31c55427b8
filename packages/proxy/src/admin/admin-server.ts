import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { Logger } from "@heddle/std";
import { requestUrl } from "@heddle/std/request-url";
import type { DrainOptions } from "../listener/listener-set.ts";
import type { DataPlane } from "../proxy.ts";
import type { HeldResource } from "../resources.ts";
import type { Tap } from "../telemetry/tap.ts";
import type { Fleet } from "../workers/fleet.ts";
import type { StatsSource } from "../workers/fleet-pages.ts";
import type { AdminRequest } from "./admin-log.ts";
import { adminPages, showPage } from "./admin-pages.ts";
import { textAnswer, withAdminHeaders } from "./answer.ts";
import { readiness } from "./server-pages.ts";
import { prometheusAnswer } from "./stats-page.ts";

/** What the admin pages show and do. */
export interface AdminDeps {
  readonly proxy: DataPlane;
  /** The other processes, whose counts belong to the pages. */
  readonly fleet: Fleet;
  readonly log: Logger;
  readonly tap: Tap;
  readonly version: string;
  readonly startedMs: number;
  readonly node: {
    readonly id: string;
    readonly cluster: string;
    readonly metadata: JsonObject;
    readonly locality?: JsonObject;
  };
  /** Options of the command line beside those that the node shows, in Envoy's names. */
  readonly commandLine?: JsonObject;
  now(): number;
  /** Undefined when ready, else why not. */
  notReady(): string | undefined;
  readonly stats: StatsSource;
  /** Runs before statistics are shown. Default: nothing does. */
  readonly beforeStats?: (() => Promise<void>) | undefined;
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
  onReopenLogs(): void;
  /** Told of each request; default: nobody is. */
  onAnswer?(request: AdminRequest): void;
}

/** An HTTP port of the process itself. */
export interface AdminServer {
  /** The one that was asked for, or where that was 0 the one that was free. */
  readonly port: number;
  close(): Promise<void>;
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
      const response = withAdminHeaders(await showPage(pages, request.method, requestUrl(request.url)));
      deps.onAnswer?.({ request, response, startMs, endMs: deps.now() });
      return response;
    },
    error: (error) => textAnswer(`the page failed: ${error.message}\n`, 500),
  });
  return { port: server.port ?? port, close: async () => void (await server.stop(true)) };
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
      const { pathname } = requestUrl(request.url);
      if (pathname === "/stats/prometheus") return prometheusAnswer(await deps.metrics());
      // `/ready` is what other clusters ask a gateway.
      if (pathname === "/healthz/ready" || pathname === "/ready") return readiness(deps.notReady());
      return textAnswer("only /stats/prometheus and /healthz/ready are here\n", 404);
    },
  });
  return { port: server.port ?? port, close: async () => void (await server.stop(true)) };
}
