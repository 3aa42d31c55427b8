import type { Comparison } from "../compare/rounds.ts";
import type { BenchSurroundings } from "../pair/compare-pairs.ts";
import type { VariantPlan } from "../pair/variant.ts";
import type { FoundPeer } from "./peers.ts";

/** What a row may use. */
export interface RowSurroundings extends BenchSurroundings {
  readonly rounds: number;
  /** 1: as in docs/performance.md; smaller is quicker and rougher. */
  readonly scale: number;
  /** Our proxy, and Envoy where it is. */
  readonly plans: readonly VariantPlan[];
  /** nginx and haproxy, where they are. */
  readonly peers: readonly FoundPeer[];
}

/** What our proxy has to reach. */
export interface Target {
  readonly text: string;
  readonly against: "envoy" | "nginx" | "one";
  readonly figure: string;
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** One line of the table. */
export interface Row {
  readonly name: string;
  readonly about: string;
  readonly targets: readonly Target[];
  run(around: RowSurroundings): Promise<Comparison>;
}

/** A number of requests or bytes by the scale, never below `least`. */
export function scaled(around: RowSurroundings, full: number, least: number): number {
  return Math.max(least, Math.round(full * around.scale));
}
