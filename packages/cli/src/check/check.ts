import type { KubeClient } from "@heddle/kube-client";

/** One line of `heddle check`. `run` resolves when the thing holds and rejects with a sentence (cause and next step) when not. */
export interface CheckItem {
  readonly description: string;
  /** Anchor of the hint, in Linkerd's naming. */
  readonly anchor: string;
  /** `fatal` ends the command with a failure and its category; `warning` only shows. */
  readonly severity: "fatal" | "warning";
  /** Keep asking until it holds or `--wait` is over: things that come up by themselves. */
  readonly retry?: boolean;
  run(target: CheckTarget): Promise<CheckNote | undefined> | Promise<void>;
}

/** What a line that holds has to say: things it was found for, below it, or that there was nothing to look at: then no line appears. */
export type CheckNote = { readonly kind: "found"; readonly names: readonly string[] } | { readonly kind: "nothing" };

export interface CheckCategory {
  readonly name: string;
  readonly items: readonly CheckItem[];
}

/** What the checks look at. */
export interface CheckTarget {
  client(): Promise<KubeClient>;
  readonly meshNamespace: string;
  /** Namespace of the data plane that is checked; undefined means all. */
  readonly dataPlaneNamespace: string | undefined;
  readonly cliVersion: string;
  now(): Date;
}

export type CheckResult = "success" | "warning" | "error";

export interface CheckReport {
  readonly categoryName: string;
  readonly checks: readonly {
    readonly description: string;
    readonly hint: string;
    readonly error: string;
    readonly result: CheckResult;
    /** What it holds for, one a line. */
    readonly found?: readonly string[];
  }[];
}

/** Where the hints are explained. */
export function hintOf(anchor: string): string {
  return `docs/checks.md#${anchor}`;
}
