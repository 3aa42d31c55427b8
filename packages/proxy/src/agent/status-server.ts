import type { Logger } from "@heddle/std";
import { requestUrl } from "@heddle/std/request-url";
import { type AppProbers, runAppProbe } from "./app-probe.ts";
import { type AppMetricsTarget, mergedMetrics } from "./merged-metrics.ts";

export interface StatusServerDeps {
  readonly statusPort: number;
  /** Also served on the readiness port 15021 when the data plane does not do it itself. */
  readonly readinessPort: number | undefined;
  readonly podIp: string;
  readonly probers: AppProbers;
  readonly appMetrics: AppMetricsTarget | undefined;
  readonly log: Logger;
  /** Undefined when ready, else why not. */
  notReady(): string | undefined;
  /** Prometheus text of proxy and agent. */
  metrics(): Promise<string>;
  /** Someone asked the sidecar to end (`/quitquitquit`), or only to drain. */
  onQuit(): void;
  onDrain(): void;
}

export interface StatusServer {
  close(): Promise<void>;
}

/** The agent's HTTP port (15020): readiness, merged metrics, the application's probes, and the way to end a sidecar for Jobs. */
export function startStatusServer(deps: StatusServerDeps): StatusServer {
  let failures = 0;
  const answer = async (request: Request): Promise<Response> => {
    // Health checks of HTTP/1.0 need not name a host.
    const { pathname } = requestUrl(request.url);
    const probe = deps.probers.get(pathname);
    if (probe) return new Response(null, { status: await runAppProbe(probe, deps.podIp, request.headers) });
    switch (pathname) {
      case "/healthz/ready":
      case "/ready":
        return ready(deps.notReady());
      case "/stats/prometheus":
      case "/metrics": {
        const own = `${await deps.metrics()}# TYPE istio_agent_scrape_failures_total counter\nistio_agent_scrape_failures_total{type="application"} ${failures}\n`;
        const text = await mergedMetrics(own, deps.appMetrics, () => failures++);
        return new Response(text, { headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" } });
      }
      case "/quitquitquit":
      case "/drain":
        return command(request, pathname === "/drain" ? deps.onDrain : deps.onQuit);
      default:
        if (pathname.startsWith("/app-health/"))
          return new Response(`no probe is known for ${pathname}\n`, { status: 404 });
        return new Response(
          `no ${pathname} here; there are /healthz/ready, /stats/prometheus, /quitquitquit, /drain\n`,
          { status: 404 },
        );
    }
  };
  const serve = (port: number) => Bun.serve({ port, hostname: "0.0.0.0", development: false, fetch: answer });
  const servers = [serve(deps.statusPort), ...(deps.readinessPort === undefined ? [] : [serve(deps.readinessPort)])];
  return {
    close: async () => {
      await Promise.all(servers.map((s) => s.stop(true)));
    },
  };
}

function ready(reason: string | undefined): Response {
  return reason === undefined ? new Response("ready\n") : new Response(`${reason}\n`, { status: 503 });
}

/** Only a POST ends or drains: a crawler or a prefetch must not. */
function command(request: Request, run: () => void): Response {
  if (request.method !== "POST") return new Response("use POST\n", { status: 405 });
  queueMicrotask(run);
  return new Response("OK\n");
}
