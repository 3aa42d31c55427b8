import { createKubeClient } from "@heddle/kube-client";
import { createLineSink, createLogger, createSystemClock, type Logger, parseLogLevel } from "@heddle/std";
import { type AskPage, createApi } from "./api.ts";
import { createControlPlaneClient } from "./control-plane-client.ts";
import { enforceHost, type HostRefusal } from "./enforced-host.ts";
import { createFindings } from "./findings.ts";
import { createGateways } from "./gateways.ts";
import { watchInventory } from "./kubernetes-inventory.ts";
import { createMeshHealth } from "./mesh-health.ts";
import { createPrometheusClient, type PrometheusClient, PrometheusError } from "./prometheus/prometheus-client.ts";
import { createPrometheusStores } from "./prometheus/prometheus-store.ts";
import { proxyConfig } from "./proxy-config.ts";
import { createScraper } from "./scraper.ts";
import { createMetricStore } from "./store/store.ts";
import { startTraceReceivers, TRACE_PORTS, type TraceReceivers } from "./traces/receivers.ts";
import { createTraceStore, type TraceStore } from "./traces/trace-store.ts";

const DEFAULTS = { port: 8085, scrapeIntervalMs: 2000, logLevel: "info" };

/** `heddle viz serve [--port N] [--scrape-interval-ms N] [--prometheus-url URL] [--enforced-host REGEX] [--log-level L]`: answers queries
 * until SIGTERM, from what it scrapes itself or from a Prometheus. `page` serves the dashboard's files. */
export async function main(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  page: AskPage = () => undefined,
): Promise<number> {
  const flag = (name: string, fallback: string) => {
    const at = argv.findIndex((a) => a === `--${name}` || a.startsWith(`--${name}=`));
    return at < 0 ? fallback : (/^--[^=]+=(.*)$/s.exec(argv[at] ?? "")?.[1] ?? argv[at + 1] ?? fallback);
  };
  const port = Number(flag("port", String(DEFAULTS.port)));
  const intervalMs = Number(flag("scrape-interval-ms", String(DEFAULTS.scrapeIntervalMs)));
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    return refuse(`--port ${flag("port", "")}: expected a port number`);
  if (!(intervalMs >= 100)) return refuse(`--scrape-interval-ms: expected at least 100`);
  const enforced = flag("enforced-host", "");
  let refusesHost: HostRefusal | undefined;
  try {
    if (enforced !== "") refusesHost = enforceHost(enforced);
  } catch (error) {
    return refuse(`--enforced-host: expected a regular expression, such as ^mesh\\.example$ (${error})`);
  }
  const prometheusUrl = flag("prometheus-url", "");
  let prometheus: PrometheusClient | undefined;
  try {
    if (prometheusUrl !== "") prometheus = createPrometheusClient(prometheusUrl);
  } catch (error) {
    if (error instanceof PrometheusError) return refuse(error.message);
    throw error;
  }

  const clock = createSystemClock();
  const log = createLogger({
    clock,
    sink: createLineSink("text", (line) => void process.stderr.write(line)),
    level: parseLogLevel(flag("log-level", DEFAULTS.logLevel)) ?? "info",
    scope: "viz",
  });
  const kube = await createKubeClient({ env, clock });
  const inventory = watchInventory(kube, log);
  const stores = prometheus && createPrometheusStores(prometheus, inventory);
  const store = stores?.latest ?? createMetricStore();
  const scraper = createScraper({ store, inventory, clock, log, intervalMs, fetchText });
  const client = createControlPlaneClient({ inventory, fetchText });
  const nowMs = () => clock.now();
  const traces = createTraceStore();
  const receivers = await receiveTraces(traces, log);
  const server = Bun.serve({
    port,
    hostname: "0.0.0.0",
    fetch: createApi({
      store,
      ...(stores ? { storeOf: (span) => stores.of(span) } : {}),
      inventory,
      nowMs,
      ready: () => inventory.synced,
      scrapeGaps: () => scraper.gaps(),
      traces,
      mesh: createMeshHealth({ store, client, nowMs }),
      configuration: {
        findings: createFindings(client, nowMs),
        gateways: createGateways({ client, inventory, nowMs, fetchText }),
        config: (query) => proxyConfig(query, client, inventory, nowMs()),
      },
      page,
      ...(refusesHost ? { refusesHost } : {}),
    }),
  });
  if (!stores) scraper.start();
  log.info("serving", { port: server.port });
  await new Promise<void>((stop) => {
    process.once("SIGTERM", stop);
    process.once("SIGINT", stop);
  });
  scraper.close();
  inventory.close();
  await receivers?.close();
  await server.stop();
  return 0;
}

/** Where the ports are taken, by a collector for instance, everything else works on. */
async function receiveTraces(store: TraceStore, log: Logger): Promise<TraceReceivers | undefined> {
  try {
    const receivers = await startTraceReceivers(store, TRACE_PORTS, log.child("traces"));
    log.info("receiving traces", { ...receivers.ports });
    return receivers;
  } catch (error) {
    log.warn("no traces are received: a port is taken", { ...TRACE_PORTS, error: String(error) });
    return undefined;
  }
}

async function fetchText(url: string, timeoutMs: number): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response.text();
}

function refuse(sentence: string): number {
  process.stderr.write(`${sentence}\n`);
  return 2;
}
