/** What the HTTP/JSON API answers. The CLI and the dashboard know only these shapes. */

/** Kinds that `stat` can be asked for, as Kubernetes names them. */
export type ResourceKind =
  | "deployment"
  | "pod"
  | "namespace"
  | "service"
  | "statefulset"
  | "daemonset"
  | "replicaset"
  | "replicationcontroller"
  | "job"
  | "cronjob";

/** Kinds of the lines of `stat`: an authority is a host that was asked for, whoever answered. */
export type StatKind = ResourceKind | "authority";

/** One line of `viz stat`. A figure is null where nothing was measured in the window. */
export interface StatRow<Kind extends StatKind = ResourceKind> {
  readonly namespace: string;
  readonly kind: Kind;
  readonly name: string;
  /** Of a pod: Running, Pending …; "" for other kinds. */
  readonly status: string;
  /** Running pods with a proxy, and all running pods. */
  readonly meshed: number;
  readonly pods: number;
  /** Units: share of requests that succeeded, 0 to 1. */
  readonly success: number | null;
  readonly rps: number | null;
  /** Units: ms. */
  readonly latencyMsP50: number | null;
  readonly latencyMsP95: number | null;
  readonly latencyMsP99: number | null;
  readonly tcpOpenConnections: number;
  /** Units: bytes per second. */
  readonly tcpReadBytesRate: number;
  readonly tcpWriteBytesRate: number;
  /** Requests counted in the window, exact. */
  readonly requests: number;
  readonly failures: number;
  /** Requests that a policy refused, in the window. */
  readonly unauthorized: number;
  /** Those of them that count among `failures` (gRPC; refused HTTP requests get 403, which is no failure). */
  readonly unauthorizedFailures: number;
}

/** One line of `viz edges`. */
export interface EdgeRow {
  readonly src: string;
  readonly srcNamespace: string;
  readonly dst: string;
  readonly dstNamespace: string;
  /** SPIFFE ids; empty where none was seen. */
  readonly clientId: string;
  readonly serverId: string;
  readonly secured: boolean;
  /** Why not, where not. */
  readonly noTlsReason: string;
  readonly requests: number;
  readonly failures: number;
  /** Cluster of each end; only where traffic of several clusters was seen, and "" where it is not known. */
  readonly srcCluster?: string;
  readonly dstCluster?: string;
}

export interface StatQuery {
  readonly kind: ResourceKind;
  /** undefined: all names / all namespaces. */
  readonly name?: string;
  readonly namespace?: string;
  /** Units: ms. Default: 60000. */
  readonly windowMs: number;
  /** Only traffic that these callers sent (outbound side of the caller). */
  readonly from?: ResourceName;
  /** Only traffic to this destination, as its callers saw it. */
  readonly to?: ResourceName;
}

export interface ResourceName {
  readonly kind: ResourceKind;
  readonly name?: string;
  readonly namespace: string;
}

export interface StatAnswer<Kind extends StatKind = ResourceKind> {
  readonly rows: readonly StatRow<Kind>[];
  /** What is missing from the answer, as sentences: proxies that could not be scraped, a store younger than the window. */
  readonly gaps: readonly string[];
}

export interface EdgesAnswer {
  readonly rows: readonly EdgeRow[];
  readonly gaps: readonly string[];
}

/** One line of `viz routes`. */
export interface RouteRow {
  /** Its name in the configuration; `[DEFAULT]`: everything else. */
  readonly route: string;
  readonly service: string;
  readonly namespace: string;
  /** Units: share of requests that succeeded, 0 to 1. */
  readonly success: number;
  readonly rps: number;
  /** The same with every retry counted. */
  readonly actualSuccess: number;
  readonly actualRps: number;
  /** Units: share of requests that took longer than allowed (answered 504), 0 to 1. */
  readonly timeouts: number;
  /** Units: ms. */
  readonly latencyMsP50: number | null;
  readonly latencyMsP95: number | null;
  readonly latencyMsP99: number | null;
}

export interface RoutesAnswer {
  readonly rows: readonly RouteRow[];
  readonly gaps: readonly string[];
}
