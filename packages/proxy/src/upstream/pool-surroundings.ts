import type { TimerWheel } from "@heddle/std";
import type { UpstreamHttpConfig } from "../config/upstream-http.ts";
import type { Dial, DialOwner, DialTarget } from "../transport/dial.ts";
import type { ClusterCounters, ClusterLimits } from "./counters.ts";
import type { UpstreamFailure } from "./failure.ts";
import type { Host } from "./host.ts";
import type { HostPool } from "./pool.ts";

/** What a pool needs from its cluster and process. */
export interface PoolSurroundings {
  readonly host: Host;
  readonly protocol: "http1" | "http2";
  readonly transportKey: unknown;
  readonly serverName: string | undefined;
  readonly http: UpstreamHttpConfig;
  readonly limits: ClusterLimits;
  readonly counters: ClusterCounters;
  readonly wheel: TimerWheel;
  readonly random: () => number;
  /** Connections for each stream that is under way or waits, at least 1. Source: Envoy `per_upstream_preconnect_ratio`. */
  readonly preconnect: number;
  /** Goes away as soon as it is empty: it serves one client only. */
  readonly ephemeral: boolean;
  /** The target with fresh secrets, or why there can be none. */
  target(): DialTarget | UpstreamFailure;
  dial(target: DialTarget, owner: DialOwner): Dial;
  /** The pool holds nothing any more and was told to drain. */
  onEmpty(pool: HostPool): void;
}
