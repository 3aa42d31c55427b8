import type { Clock, ClockTimer, Histogram, MetricsRegistry } from "@heddle/std";

/** Asks a gateway at a fixed pace whether it is ready. */
export interface GatewayProbe {
  readonly alive: boolean;
  close(): void;
}

export interface ProbeOptions {
  readonly cluster: string;
  readonly path: string;
  readonly port: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  /** Failures in a row after which the gateway counts as dead; one success brings it back. */
  readonly failureThreshold: number;
  /** Addresses to ask; one that answers is enough. */
  readonly addresses: () => readonly string[];
  readonly clock: Clock;
  readonly metrics: ProbeMetrics;
  /** Default: HTTP. Rejects when there is no answer with status 200. */
  readonly ask?: (url: string, signal: AbortSignal) => Promise<void>;
  onChange(alive: boolean): void;
}

export type ProbeMetrics = ReturnType<typeof createProbeMetrics>;

/** Source: Linkerd, `multicluster/service-mirror/metrics.go`. */
export function createProbeMetrics(metrics: MetricsRegistry) {
  const labels = ["target_cluster_name"];
  const gauge = (name: string, help: string) => metrics.gauge({ name, help, labels });
  return {
    alive: gauge("gateway_alive", "A gauge which is 1 if the gateway is alive and 0 if it is not."),
    enabled: gauge("gateway_enabled", "A gauge which is 1 if the gateway is enabled, and 0 if it is not"),
    latency: gauge("gateway_latency", "A gauge which is the latency of the last probe to the gateway."),
    latencies: metrics.histogram(
      {
        name: "gateway_probe_latency_ms",
        help: "A histogram of latencies to a gateway in a target cluster.",
        labels,
      },
      [1, 10, 100, 1000, 10_000].flatMap((unit) => [1, 2, 3, 4, 5].map((times) => unit * times)),
    ),
    probes: metrics.counter({
      name: "gateway_probes",
      help: "A counter for the number of actual performed probes to a gateway",
      labels: [...labels, "probe_successful"],
    }),
  };
}

/** Alive until shown otherwise: a start must not take working mirrors away. Source: Linkerd. */
export function startGatewayProbe(options: ProbeOptions): GatewayProbe {
  const { cluster, clock, metrics } = options;
  const latencies: Histogram = metrics.latencies.with(cluster);
  const ask = options.ask ?? askHttp;
  const closing = new AbortController();
  let alive = true;
  let failures = 0;
  metrics.enabled.with(cluster).value = 1;
  metrics.alive.with(cluster).value = 1;

  const settle = (ok: boolean): void => {
    if (closing.signal.aborted) return;
    metrics.probes.with(cluster, String(ok)).value++;
    failures = ok ? 0 : failures + 1;
    const now = ok || (alive && failures < options.failureThreshold);
    if (now === alive) return;
    alive = now;
    metrics.alive.with(cluster).value = alive ? 1 : 0;
    options.onChange(alive);
  };
  const probe = async (): Promise<void> => {
    const addresses = options.addresses();
    if (addresses.length === 0) return settle(false);
    const started = clock.monotonic();
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(options.timeoutMs)]);
    try {
      await Promise.any(addresses.map((address) => ask(urlOf(address, options.port, options.path), signal)));
      const ms = clock.monotonic() - started;
      metrics.latency.with(cluster).value = Math.round(ms);
      latencies.observe(ms);
      settle(true);
    } catch {
      settle(false);
    }
  };
  void probe();
  const timer: ClockTimer = clock.every(options.periodMs, () => void probe());
  return {
    get alive() {
      return alive;
    },
    close() {
      timer.cancel();
      closing.abort();
      for (const family of [metrics.alive, metrics.enabled, metrics.latency, metrics.latencies]) family.remove(cluster);
      for (const ok of ["true", "false"]) metrics.probes.remove(cluster, ok);
    },
  };
}

function urlOf(address: string, port: number, path: string): string {
  return `http://${address.includes(":") ? `[${address}]` : address}:${port}${path.startsWith("/") ? path : `/${path}`}`;
}

async function askHttp(url: string, signal: AbortSignal): Promise<void> {
  const answer = await fetch(url, { signal, redirect: "error", keepalive: false });
  await answer.arrayBuffer();
  if (answer.status !== 200) throw new Error(`status ${answer.status}`);
}
