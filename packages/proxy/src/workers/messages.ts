import type { TapEvent } from "@heddle/std/tap-event";
import type { KeyPair, ValidationConfig } from "../config/tls-context.ts";
import type { TraceProvider } from "../config/trace-provider.ts";
import type { MetadataExchange } from "../http/connection-manager.ts";
import type { DrainOptions } from "../listener/listener-set.ts";
import type { OverloadConfig } from "../overload/overload-config.ts";
import type { IncomingResource } from "../resources.ts";
import type { RuntimeSettings } from "../runtime/runtime.ts";
import type { EnvoyStat } from "../telemetry/envoy-stats.ts";
import type { Workload } from "../telemetry/workload.ts";
import type { ZonePlace } from "../upstream/cluster.ts";

/** What a worker must know before its first resource. */
export interface WorkerSettings {
  readonly index: number;
  readonly self: Workload;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly exchange: MetadataExchange | undefined;
  readonly serviceCluster: string;
  /** Units: ms. */
  readonly drainMs: number;
  readonly mark: number | undefined;
  /** Undefined: zones don't count. */
  readonly zone?: ZonePlace | undefined;
  /** A file with a line for each host that is ejected or back. Default: none. */
  readonly ejectionLog?: string;
  /** This worker's part of the limits. */
  readonly limits: OverloadConfig;
  readonly runtime: RuntimeSettings;
  /** The bootstrap's tracer. */
  readonly traceProvider?: TraceProvider | undefined;
}

/** A secret that the agent holds: it does not come with the resources. */
export type LocalSecret =
  | { readonly kind: "certificate"; readonly name: string; readonly pair: KeyPair }
  | { readonly kind: "validation"; readonly name: string; readonly validation: ValidationConfig };

/** Secrets of the agent, and the name in our certificate. */
export interface LocalIdentity {
  readonly secrets: readonly LocalSecret[];
  readonly uri: string;
}

/** From the first process to a worker; in the order in which they must take effect. */
export type WorkerCommand =
  | { readonly kind: "start"; readonly settings: WorkerSettings }
  | { readonly kind: "identity"; readonly identity: LocalIdentity }
  | {
      readonly kind: "apply";
      readonly typeUrl: string;
      readonly resources: readonly IncomingResource[];
      readonly removed: readonly string[];
    }
  | { readonly kind: "report"; readonly id: number }
  | { readonly kind: "reset-counters" }
  | { readonly kind: "reopen-logs" }
  | { readonly kind: "logging"; readonly query: string }
  | { readonly kind: "runtime"; readonly changes: readonly (readonly [key: string, text: string])[] }
  | { readonly kind: "health"; readonly failed: boolean }
  | { readonly kind: "tap"; readonly on: boolean }
  | { readonly kind: "drain"; readonly how: DrainOptions }
  /** Drain, then end: at the earliest and at the latest after so much time. */
  | { readonly kind: "end"; readonly how: DrainOptions; readonly notBeforeMs: number; readonly limitMs: number };

/** Counts of one endpoint in one worker. */
export interface HostReport {
  readonly cluster: string;
  readonly host: string;
  readonly cxActive: number;
  readonly cxConnectFail: number;
  readonly cxTotal: number;
  readonly rqActive: number;
  readonly rqPendingActive: number;
  readonly rqError: number;
  readonly rqSuccess: number;
  readonly rqTimeout: number;
  readonly rqTotal: number;
}

/** What a worker has counted since its start. */
export interface WorkerReport {
  readonly connections: number;
  /** Only those that are not 0. */
  readonly stats: readonly EnvoyStat[];
  /** Prometheus text of everything that is not Envoy's. */
  readonly exposition: string;
  /** Only endpoints that were used. */
  readonly hosts: readonly HostReport[];
  readonly failures: readonly TapEvent[];
  readonly memory: MemoryUse;
}

/** Units: bytes. */
export interface MemoryUse {
  readonly heapUsed: number;
  readonly heapTotal: number;
  readonly rss: number;
}

/** From a worker to the first process. */
export type WorkerMessage =
  /** It listens to commands now; what was sent before is lost. */
  | { readonly kind: "ready" }
  | { readonly kind: "report"; readonly id: number; readonly report: WorkerReport }
  | { readonly kind: "tap"; readonly event: TapEvent }
  | { readonly kind: "refused"; readonly typeUrl: string; readonly reason: string };
