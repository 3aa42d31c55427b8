import type { NetworkChoice } from "../../network/index.ts";
import type { LinkSettings } from "../../wan/link-settings.ts";
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
  readonly network: NetworkChoice;
  readonly merge: boolean;
  readonly all: boolean;
  readonly path: boolean;
  /** Of `wan`; undefined fields stay as they are. */
  readonly link: Partial<LinkSettings>;
  /** Of `wan`: one pair of clusters only. */
  readonly between?: readonly [string, string];
  /** Of `attach`: the network namespace, and what it is asked by besides its address on the line. */
  readonly netns?: string;
  readonly addresses?: readonly string[];
}

/** `1.24 s` or `38 ms`. */
export function durationText(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}
