/** What happened to one object of a manifest; the CLI prints it on standard error. */
export interface ManifestOutcome {
  /** Lower case, as `kubectl` names it: `deployment`. */
  readonly kind: string;
  readonly name: string;
  readonly result: "injected" | "uninjected" | "skipped" | "failed";
  /** Why it was skipped or failed. */
  readonly reason: string;
  /** What a user should know although it worked. */
  readonly warnings: readonly string[];
}

/** Linkerd's report line. Source: reference of `linkerd inject`. */
export function outcomeLine(outcome: ManifestOutcome): string {
  if (outcome.result === "failed") return `failed to inject ${outcome.kind}/${outcome.name}: ${outcome.reason}`;
  const reason = outcome.reason ? ` (${outcome.reason})` : "";
  return `${outcome.kind} "${outcome.name}" ${outcome.result}${reason}`;
}
