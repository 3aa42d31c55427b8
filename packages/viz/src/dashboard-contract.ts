import type { ResourceKind, StatRow } from "./contract.ts";

/** What the dashboard asks for beside `stat` and `edges`. A figure is null where nothing was measured. */

/** Equal steps of time up to now; the last value is the newest. */
export interface Spark {
  /** Null before the history began. */
  readonly rps: readonly (number | null)[];
  /** Units: share, 0 to 1; null where nothing was asked. */
  readonly success: readonly (number | null)[];
}

export interface OverviewRow extends StatRow {
  readonly spark: Spark;
  /** Since when more than one in a hundred fails, without a good step between; null: it does not. Units: ms since 1970. */
  readonly failingSinceMs: number | null;
}

/** What every answer says about its time. */
export interface Answered {
  /** End of the window. Units: ms since 1970. */
  readonly timeMs: number;
  readonly windowMs: number;
  /** Oldest moment that the history knows; null: nothing yet. */
  readonly sinceMs: number | null;
  readonly gaps: readonly string[];
}

export interface OverviewAnswer extends Answered {
  readonly namespaces: readonly OverviewRow[];
  readonly workloads: readonly OverviewRow[];
}

/** Who calls whom, with the golden metrics of that way. */
export interface TrafficRow {
  readonly src: string;
  readonly srcNamespace: string;
  readonly dst: string;
  readonly dstNamespace: string;
  readonly clientId: string;
  readonly serverId: string;
  /** All of them, sorted. */
  readonly clientIds: readonly string[];
  readonly serverIds: readonly string[];
  readonly secured: boolean;
  readonly noTlsReason: string;
  readonly success: number | null;
  readonly rps: number;
  readonly latencyMsP50: number | null;
  readonly latencyMsP95: number | null;
  readonly latencyMsP99: number | null;
  readonly requests: number;
  readonly failures: number;
  /** Whether (also) plain TCP was seen. */
  readonly tcp: boolean;
  readonly openConnections: number;
  /** Clusters that each end was seen in, sorted; empty where the metrics name none. */
  readonly srcClusters: readonly string[];
  readonly dstClusters: readonly string[];
}

export interface GraphNode {
  readonly namespace: string;
  readonly name: string;
  /** `service` or `unknown`: seen in traffic, without a pod that the inventory knows. */
  readonly kind: ResourceKind | "unknown";
  readonly meshed: number;
  readonly pods: number;
  readonly success: number | null;
  readonly rps: number | null;
  readonly latencyMsP99: number | null;
  /** Clusters that it was seen in; a workload of one name in two clusters is one node. */
  readonly clusters: readonly string[];
}

export interface GraphAnswer extends Answered {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly TrafficRow[];
}

/** How requests failed, by answer. */
export interface FailureRow {
  readonly src: string;
  readonly srcNamespace: string;
  readonly dst: string;
  readonly dstNamespace: string;
  readonly code: string;
  /** Number of the gRPC status; "" for HTTP. */
  readonly grpcStatus: string;
  /** Envoy's short flags; "-" for none. */
  readonly flags: string;
  readonly count: number;
  /** One sentence: where it broke and why. */
  readonly reason: string;
}

export interface PodRow extends StatRow {
  readonly ip: string;
  /** Units: ms; null: not told. */
  readonly certificateExpiresInMs: number | null;
}

export interface WorkloadAnswer extends Answered {
  readonly row: OverviewRow;
  readonly inbound: readonly TrafficRow[];
  readonly outbound: readonly TrafficRow[];
  readonly failures: readonly FailureRow[];
  readonly pods: readonly PodRow[];
}

/** One namespace: its own figures, what is in it, and every way from, to and inside of it. */
export interface NamespaceAnswer extends Answered {
  readonly row: OverviewRow;
  readonly workloads: readonly OverviewRow[];
  readonly services: readonly StatRow[];
  readonly pods: readonly PodRow[];
  /** Its workloads and their neighbours elsewhere. */
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly TrafficRow[];
  readonly failures: readonly FailureRow[];
}

/** A proxy as the control plane knows it. */
export interface ProxyRow {
  readonly namespace: string;
  readonly name: string;
  readonly kind: string;
  readonly version: string;
  /** Per type (cluster, listener, route, endpoint). */
  readonly sync: Readonly<Record<string, "synced" | "stale" | "rejected" | "not sent">>;
  /** The proxy's own words about what it refused. */
  readonly rejections: readonly string[];
  readonly certificateExpiresInMs: number | null;
}

export interface ReplicaRow {
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
  readonly proxies: number;
  /** From a change to the last acknowledgement. Units: ms. */
  readonly convergenceMsP50: number | null;
  readonly convergenceMsP99: number | null;
  readonly pushes: number;
  /** By Envoy's short names: cds, lds, rds, eds. */
  readonly pushesByType: Readonly<Record<string, number>>;
  readonly rejects: number;
  readonly services: number;
  readonly certificatesIssued: number;
  /** End of what workload certificates are signed with. Units: ms since 1970. */
  readonly issuerExpiresMs: number | null;
  /** Units: ms since 1970. */
  readonly rootExpiresMs: number | null;
  /** Why it could not be asked; "" when it could. */
  readonly error: string;
}

export interface MeshAnswer {
  readonly timeMs: number;
  readonly replicas: readonly ReplicaRow[];
  readonly proxies: readonly ProxyRow[];
  readonly gaps: readonly string[];
}

export interface Problem {
  /** Stable while the problem lasts. */
  readonly id: string;
  readonly severity: "error" | "warning";
  readonly what: string;
  readonly cause: string;
  readonly next: string;
  /** The workload that it is about. */
  readonly namespace?: string;
  readonly name?: string;
  /** Units: ms since 1970; null: not known. */
  readonly sinceMs: number | null;
}

export interface ProblemsAnswer {
  readonly timeMs: number;
  /** Oldest moment that the history knows; null: nothing yet. */
  readonly sinceMs: number | null;
  readonly problems: readonly Problem[];
  readonly gaps: readonly string[];
}
