import type { ClockTimer } from "@heddle/std";
import type { ClusterConfig, ClusterDiscovery } from "../config/cluster.ts";
import type { EndpointConfig, LoadAssignmentConfig, LocalityConfig } from "../config/endpoints.ts";
import type { UpstreamSurroundings } from "./cluster.ts";
import type { ClusterCounters } from "./counters.ts";

/** Resolves a name to numeric addresses; rejects when the name has none. */
export type ResolveHost = (name: string, family: "v4" | "v6" | "any") => Promise<readonly string[]>;

/** Keeps the endpoints of a DNS cluster fresh. */
export interface DnsWatch {
  start(): void;
  close(): void;
}

/** However unlucky the draw, a resolver that fails is not asked in a loop. Units: ms. */
const MIN_WAIT_MS = 10;

type DnsDiscovery = Extract<ClusterDiscovery, { readonly kind: "strict-dns" | "logical-dns" }>;

class PollingWatch implements DnsWatch {
  readonly #config: ClusterConfig;
  readonly #discovery: DnsDiscovery;
  readonly #resolve: ResolveHost;
  readonly #around: UpstreamSurroundings;
  readonly #onFound: (assignment: LoadAssignmentConfig) => void;
  /** Last good answer by name: a failing resolver does not empty a cluster. */
  readonly #answers = new Map<string, readonly string[]>();
  readonly #counters: ClusterCounters;
  #failures = 0;
  #failedInRow = 0;
  #timer: ClockTimer | undefined;
  #closed = false;

  constructor(
    config: ClusterConfig,
    discovery: DnsDiscovery,
    resolve: ResolveHost,
    around: UpstreamSurroundings,
    onFound: (assignment: LoadAssignmentConfig) => void,
    counters: ClusterCounters,
  ) {
    this.#counters = counters;
    this.#config = config;
    this.#discovery = discovery;
    this.#resolve = resolve;
    this.#around = around;
    this.#onFound = onFound;
  }

  start(): void {
    void this.#refresh();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #refresh(): Promise<void> {
    this.#counters.updateAttempts++;
    const failures = this.#failures;
    const localities: LocalityConfig[] = [];
    for (const locality of this.#discovery.assignment.localities) {
      const endpoints: EndpointConfig[] = [];
      for (const endpoint of locality.endpoints) endpoints.push(...(await this.#resolveEndpoint(endpoint)));
      localities.push({ ...locality, endpoints });
    }
    if (this.#closed) return;
    if (this.#failures > failures) this.#counters.updateFailures++;
    else this.#counters.updateSuccesses++;
    this.#failedInRow = this.#failures > failures ? this.#failedInRow + 1 : 0;
    this.#onFound({ ...this.#discovery.assignment, localities });
    this.#timer = this.#around.clock.after(this.#waitMs(), () => void this.#refresh());
  }

  /** Source: Envoy's jittered back-off: anything up to the present longest wait. */
  #waitMs(): number {
    const { dnsFailure, dnsRefreshMs } = this.#config;
    if (this.#failedInRow === 0 || dnsFailure === undefined) return dnsRefreshMs;
    const longest = Math.min(dnsFailure.maxMs, dnsFailure.baseMs * 2 ** Math.min(this.#failedInRow - 1, 30));
    return Math.max(MIN_WAIT_MS, this.#around.random() * longest);
  }

  async #resolveEndpoint(endpoint: EndpointConfig): Promise<readonly EndpointConfig[]> {
    const at = endpoint.address;
    if (at.kind !== "tcp" || at.numeric) return [endpoint];
    const name = at.address.ip;
    try {
      this.#answers.set(name, await this.#resolve(name, this.#config.dnsFamily));
    } catch (error) {
      this.#failures++;
      this.#around.log.warn("a name of a cluster does not resolve; the last answer stays in use", {
        cluster: this.#config.name,
        name,
        error: error instanceof Error ? error.message : String(error),
      });
    }
    const ips = this.#answers.get(name) ?? [];
    const { port } = at.address;
    const one = this.#discovery.kind === "logical-dns";
    // The others of one server are tried where the first does not answer. Source: Envoy.
    const others = one ? ips.slice(1).map((ip) => ({ ip, port })) : [];
    return (one ? ips.slice(0, 1) : ips).map((ip) => ({
      ...endpoint,
      others,
      hostname: endpoint.hostname === "" ? name : endpoint.hostname,
      address: { kind: "tcp" as const, address: { ip, port }, numeric: true },
    }));
  }
}

export function createDnsWatch(
  config: ClusterConfig,
  discovery: DnsDiscovery,
  resolve: ResolveHost,
  around: UpstreamSurroundings,
  onFound: (assignment: LoadAssignmentConfig) => void,
  counters: ClusterCounters,
): DnsWatch {
  return new PollingWatch(config, discovery, resolve, around, onFound, counters);
}
