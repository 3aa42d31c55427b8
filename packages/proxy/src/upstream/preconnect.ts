import type { Host } from "./host.ts";
import type { HostPool } from "./pool.ts";

/** Connections that one request makes ahead, at most. Source: Envoy. */
export const CONNECTIONS_AHEAD = 3;

/** Whether `ratio` connections for each stream are more than there are. `provided`: streams that could be under way now. Source: Envoy `shouldConnect`. */
export function wantsConnection(streams: number, provided: number, ratio: number): boolean {
  return streams * ratio > provided;
}

/** Hosts that were chosen before their requests came, so that connections to them are ready. Source: Envoy `predictive_preconnect_ratio`. */
export class HostsAhead {
  readonly #ratio: number;
  #next: Host[] = [];

  constructor(ratio: number) {
    this.#ratio = ratio;
  }

  /** The host of the next request, if it was chosen already. */
  take(): Host | undefined {
    let host = this.#next.shift();
    while (host !== undefined && (!host.healthy || host.removed)) host = this.#next.shift();
    return host;
  }

  /** The hosts are others now. */
  clear(): void {
    this.#next = [];
  }

  /** A request is about to start: connects to hosts of those that will follow. */
  connect(hosts: readonly Host[], choose: () => Host | undefined, poolOf: (host: Host) => HostPool): void {
    for (let i = 0; i < CONNECTIONS_AHEAD && this.#next.length < hosts.length; i++) {
      let streams = 1;
      let provided = 0;
      for (const { pools } of hosts) {
        for (const pool of pools) {
          const { active } = pool;
          streams += active + pool.pending;
          provided += active + pool.capacity;
        }
      }
      if (!wantsConnection(streams, provided, this.#ratio)) return;
      const host = choose();
      if (host === undefined) return;
      this.#next.push(host);
      if (!poolOf(host).preconnect(this.#ratio)) return;
    }
  }
}
