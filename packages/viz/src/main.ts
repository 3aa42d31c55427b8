import { createKubeClient } from "@heddle/kube-client";
import { createLineSink, createLogger, createSystemClock, parseLogLevel } from "@heddle/std";
import { createApi } from "./api.ts";
import { watchInventory } from "./kubernetes-inventory.ts";
import { createMeshHealth } from "./mesh-health.ts";
import { createScraper } from "./scraper.ts";
import { createMetricStore } from "./store/store.ts";

const DEFAULTS = { port: 8085, scrapeIntervalMs: 2000, logLevel: "info" };

/** `heddle viz serve [--port N] [--scrape-interval-ms N] [--log-level L]`: scrapes the mesh's proxies and answers queries until SIGTERM. `page` serves the dashboard's files. */
export async function main(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  page: (request: Request) => Response | undefined = () => undefined,
): Promise<number> {
  const flag = (name: string, fallback: string) => {
    const at = argv.findIndex((a) => a === `--${name}` || a.startsWith(`--${name}=`));
    return at < 0 ? fallback : (argv[at]?.split("=")[1] ?? argv[at + 1] ?? fallback);
  };
  const port = Number(flag("port", String(DEFAULTS.port)));
  const intervalMs = Number(flag("scrape-interval-ms", String(DEFAULTS.scrapeIntervalMs)));
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    return refuse(`--port ${flag("port", "")}: expected a port number`);
  if (!(intervalMs >= 100)) return refuse(`--scrape-interval-ms: expected at least 100`);

  const clock = createSystemClock();
  const log = createLogger({
    clock,
    sink: createLineSink("text", (line) => void process.stderr.write(line)),
    level: parseLogLevel(flag("log-level", DEFAULTS.logLevel)) ?? "info",
    scope: "viz",
  });
  const kube = await createKubeClient({ env, clock });
  const inventory = watchInventory(kube, log);
  const store = createMetricStore();
  const scraper = createScraper({ store, inventory, clock, log, intervalMs, fetchText });
  const server = Bun.serve({
    port,
    hostname: "0.0.0.0",
    fetch: createApi({
      store,
      inventory,
      nowMs: () => clock.now(),
      ready: () => inventory.synced,
      scrapeGaps: () => scraper.gaps(),
      mesh: createMeshHealth({ store, inventory, nowMs: () => clock.now(), fetchText }),
      page,
    }),
  });
  scraper.start();
  log.info("serving", { port: server.port });
  await new Promise<void>((stop) => {
    process.once("SIGTERM", stop);
    process.once("SIGINT", stop);
  });
  scraper.close();
  inventory.close();
  await server.stop();
  return 0;
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
