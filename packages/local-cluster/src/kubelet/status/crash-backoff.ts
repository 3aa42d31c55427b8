/** Growing waits between restarts of a container that keeps ending. */
export interface CrashBackoff {
  /** Wait before the next start, after the run that ended at `finishedMs`. The first restart is immediate. Units: ms. */
  afterExit(startedMs: number, finishedMs: number): number;
}

/** Source: kubelet: 10 s, doubled up to 5 min, forgotten after 10 min without a failure. */
export const CRASH_BACKOFF = { initialMs: 10_000, maxMs: 300_000, resetAfterMs: 600_000 };

export function createCrashBackoff(settings: typeof CRASH_BACKOFF = CRASH_BACKOFF): CrashBackoff {
  let nextMs = 0;
  return {
    afterExit(startedMs, finishedMs) {
      if (finishedMs - startedMs >= settings.resetAfterMs) nextMs = 0;
      const waitMs = nextMs;
      nextMs = nextMs === 0 ? settings.initialMs : Math.min(nextMs * 2, settings.maxMs);
      return waitMs;
    },
  };
}

/** As messages of Kubernetes write a wait: `10s`, `2m40s`, `5m0s`. */
export function shortDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
