/** How one attempt went. */
export interface ProbeResult {
  readonly ok: boolean;
  readonly message: string;
}

/** Consecutive equal results so far, and what they amount to. */
export interface ProbeState {
  readonly verdict: "unknown" | "success" | "failure";
  readonly streak: number;
  readonly last: boolean | undefined;
}

export const initialProbeState = (verdict: ProbeState["verdict"]): ProbeState => ({
  verdict,
  streak: 0,
  last: undefined,
});

/** Counts a result; the verdict changes when a threshold is reached. Pure. Source: kubelet `prober/worker.go`. */
export function advanceProbe(
  state: ProbeState,
  result: ProbeResult,
  thresholds: { readonly successThreshold: number; readonly failureThreshold: number },
): ProbeState {
  const streak = state.last === result.ok ? state.streak + 1 : 1;
  const needed = result.ok ? thresholds.successThreshold : thresholds.failureThreshold;
  const verdict = streak < needed ? state.verdict : result.ok ? "success" : "failure";
  return { verdict, streak, last: result.ok };
}
