import type { ClusterRegistry } from "../registry.ts";
import type { StateDirectory } from "../state-directory.ts";

/** What a `heddle local` command works with. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly state: StateDirectory;
  readonly registry: ClusterRegistry;
  out(text: string): void;
  err(text: string): void;
}

/** Flags of all commands; each uses its own. */
export interface CommandFlags {
  readonly name: string;
  readonly port?: number;
  readonly clusterDomain?: string;
  readonly merge: boolean;
  readonly all: boolean;
  readonly path: boolean;
}

/** `1.24 s` or `38 ms`. */
export function durationText(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}
