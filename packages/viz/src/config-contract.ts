import type { Answered } from "./dashboard-contract.ts";

/** What the dashboard asks about configuration and gateways. */

/** A resource that shaped a proxy's configuration. */
export interface ConfigOrigin {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** What it decided, as `mtls: spec.mtls.mode`; empty where it only takes part. */
  readonly decided: readonly string[];
  /** Number of things made from it, by `listener`, `filter chain`, `cluster`, `virtual host`, `route`, `policy`. */
  readonly makes: Readonly<Record<string, number>>;
}

/** A rule of an authorization policy as the proxy has it. */
export interface PolicyRow {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** `ALLOW`, `DENY`, or for other kinds what was decided. */
  readonly effect: string;
}

/** What one proxy of a workload has been told, and by whom. */
export interface ConfigAnswer extends Pick<Answered, "timeMs" | "gaps"> {
  /** The pod that was asked about; "" when none is connected. */
  readonly pod: string;
  readonly policies: readonly PolicyRow[];
  /** Whether plain text is let in: null when the proxy's inbound side is not known. */
  readonly plainTextAllowed: boolean | null;
  readonly origins: readonly ConfigOrigin[];
}

/** A gateway that leads to or from another cluster or network. */
export interface GatewayRow {
  readonly cluster: string;
  readonly name: string;
  readonly namespace: string;
  /** `this cluster` for gateways that others come in by, `remote` for those that we leave by. */
  readonly side: "this cluster" | "remote";
  /** Null: nobody probes it. */
  readonly alive: boolean | null;
  /** Units: ms. */
  readonly latencyMsP50: number | null;
  readonly latencyMsP95: number | null;
  readonly latencyMsP99: number | null;
  /** Services that are reached through it; null: not told. */
  readonly services: number | null;
}

/** Another cluster whose registry the control plane reads. */
export interface RemoteClusterRow {
  readonly id: string;
  readonly secret: string;
  /** As `istioctl remote-clusters` says: `synced`, `syncing`, `timeout` … */
  readonly status: string;
  /** Why it is not in sync; "" when it is. */
  readonly reason: string;
  readonly replica: string;
}

export interface GatewaysAnswer extends Pick<Answered, "timeMs" | "gaps"> {
  readonly gateways: readonly GatewayRow[];
  readonly clusters: readonly RemoteClusterRow[];
}

/** What `analyze` found, as it gives it in JSON. */
export interface FindingRow {
  readonly code: string;
  readonly name: string;
  readonly level: string;
  /** `VirtualService default/reviews`. */
  readonly origin: string;
  readonly path: string;
  readonly message: string;
}
