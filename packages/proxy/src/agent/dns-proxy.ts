import {
  createDnsServer,
  createMeshResponder,
  createNameIndex,
  createUpstream,
  type NameEntry,
  type NameServer,
} from "@heddle/dns";
import type { Clock, Logger, MetricsRegistry } from "@heddle/std";

/** The mesh's DNS, fed by a discovery stream. */
export interface DnsProxy {
  setNames(entries: readonly NameEntry[]): void;
  /** A name table has arrived. */
  readonly ready: boolean;
  close(): Promise<void>;
}

export interface DnsProxyDeps {
  /** Addresses to listen on, all with the same port. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** Asked for everything that the mesh does not know; empty: such names are refused. */
  readonly upstream: readonly NameServer[];
  readonly namespace: string;
  readonly search: readonly string[];
  /** Names below these are the mesh's alone. */
  readonly zones: readonly string[];
  readonly clock: Clock;
  readonly random: () => number;
  readonly registry: MetricsRegistry;
  readonly log: Logger;
}

/** Where Istio's agent has it. */
export const DNS_PROXY_PORT = 15053;

/** Starts listening. Errors: rejects with a sentence when an address can't be bound. */
export async function startDnsProxy(deps: DnsProxyDeps): Promise<DnsProxy> {
  const { registry, clock, log } = deps;
  const counter = (name: string, help: string) =>
    registry.counter({ name: `istio_agent_dns_${name}`, help, labels: [] }).with();
  const requests = counter("requests_total", "Questions received.");
  const asked = counter("upstream_requests_total", "Questions passed on to other servers.");
  const failures = counter("upstream_failures_total", "Questions that another server did not answer.");
  const duration = registry
    .histogram(
      {
        name: "istio_agent_dns_upstream_request_duration_seconds",
        help: "How long other servers took to answer.",
        labels: [],
      },
      [0.001, 0.005, 0.01, 0.1, 1, 5],
    )
    .with();
  const upstream = createUpstream({
    servers: () => deps.upstream,
    clock,
    events: {
      onAsked: () => asked.value++,
      onAnswered: (tookMs) => duration.observe(tookMs / 1000),
      onFailed: () => failures.value++,
    },
  });
  const responder = createMeshResponder({
    upstream: deps.upstream.length === 0 ? undefined : upstream,
    zones: deps.zones,
    random: deps.random,
    events: { onRequest: () => requests.value++ },
  });
  const servers = deps.addresses.map((address) => createDnsServer({ address, port: deps.port, responder, log }));
  try {
    for (const server of servers) await server.start();
    log.info("answering names", { addresses: deps.addresses, port: servers[0]?.port ?? deps.port });
  } catch (error) {
    for (const server of servers) await server.close();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`the mesh's DNS can't listen on ${deps.addresses.join(", ")} port ${deps.port}: ${reason}`);
  }
  let ready = false;
  return {
    setNames(entries) {
      const index = createNameIndex(entries, deps);
      responder.setNames(index);
      if (!ready) log.info("names have arrived", { names: index.size });
      ready = true;
    },
    get ready() {
      return ready;
    },
    close: async () => {
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}
