import type { Origin } from "./origin.ts";

export type Stage =
  | "name"
  | "interception"
  | "listener"
  | "filter chain"
  | "path"
  | "virtual host"
  | "route"
  | "filter"
  | "cluster"
  | "tls"
  | "endpoint"
  | "application";

/** One decision on the way. */
export interface Step {
  /** Whose decision: the caller's proxy, or the far side's. */
  readonly side: "client" | "server";
  readonly stage: Stage;
  readonly name: string;
  readonly because: string;
  readonly decidedBy: readonly Origin[];
  /** What else is set here, and what was passed over. */
  readonly details: readonly string[];
}

/** One of the ways that a request may go. */
export interface Outcome {
  /** Part of the requests that go this way. Units: 0 to 1. */
  readonly share: number;
  readonly steps: readonly Step[];
  readonly result: "delivered" | "answered" | "refused";
  /** HTTP status that the caller sees; undefined when only the application, or nobody, can tell. */
  readonly status?: number;
  /** Envoy's response flag. */
  readonly flag?: string;
  /** One sentence: where it arrives, or why it does not. */
  readonly reason: string;
  /** Added on the way by a fault. Units: ms. */
  readonly delayMs?: number;
}
