import type { Clock, ClockTimer } from "@heddle/std";
import type { ContainerSpec } from "../spec/container-spec.ts";
import type { ProbeSpec } from "../spec/probe-spec.ts";
import { advanceProbe, initialProbeState, type ProbeResult, type ProbeState } from "./probe-state.ts";

export type ProbeKind = "startup" | "readiness" | "liveness";

export interface ProbeListener {
  started(): void;
  ready(ready: boolean): void;
  /** A startup or liveness probe has failed for good: the container is to be restarted. */
  failed(kind: "startup" | "liveness", probe: ProbeSpec): void;
  unhealthy(kind: ProbeKind, message: string): void;
}

export interface ContainerProbes {
  close(): void;
}

/** Probes one run of a container: startup first, the others after its success. */
export function startProbes(
  container: ContainerSpec,
  clock: Clock,
  run: (probe: ProbeSpec) => Promise<ProbeResult>,
  listener: ProbeListener,
): ContainerProbes {
  let closed = false;
  const timers = new Set<ClockTimer>();
  const startedMs = clock.monotonic();

  const loop = (kind: ProbeKind, probe: ProbeSpec, onVerdict: (state: ProbeState) => boolean): void => {
    let state = initialProbeState(kind === "liveness" ? "success" : kind === "readiness" ? "failure" : "unknown");
    const attempt = async (): Promise<void> => {
      const begunMs = clock.monotonic();
      const result = await run(probe);
      if (closed) return;
      if (!result.ok) listener.unhealthy(kind, result.message);
      state = advanceProbe(state, result, probe);
      if (onVerdict(state)) schedule(Math.max(0, probe.periodSeconds * 1000 - (clock.monotonic() - begunMs)));
    };
    const schedule = (delayMs: number): void => {
      const timer = clock.after(delayMs, () => {
        timers.delete(timer);
        if (!closed) void attempt();
      });
      timers.add(timer);
    };
    schedule(Math.max(0, probe.initialDelaySeconds * 1000 - (clock.monotonic() - startedMs)));
  };

  const afterStartup = (): void => {
    listener.started();
    const { readinessProbe, livenessProbe } = container;
    if (!readinessProbe) listener.ready(true);
    else {
      loop("readiness", readinessProbe, (state) => {
        listener.ready(state.verdict === "success");
        return true;
      });
    }
    if (livenessProbe) {
      loop("liveness", livenessProbe, (state) => {
        if (state.verdict === "failure") listener.failed("liveness", livenessProbe);
        return state.verdict !== "failure";
      });
    }
  };

  const { startupProbe } = container;
  if (!startupProbe) afterStartup();
  else {
    loop("startup", startupProbe, (state) => {
      if (state.verdict === "success") afterStartup();
      else if (state.verdict === "failure") listener.failed("startup", startupProbe);
      return state.verdict === "unknown";
    });
  }
  return {
    close() {
      closed = true;
      for (const timer of timers) timer.cancel();
    },
  };
}
