import { execFile } from "node:child_process";
import type { Clock, Logger } from "@heddle/std";
import { type AppProbe, runAppProbe } from "./app-probe.ts";

/** `readinessProbe` of a ProxyConfig: how a workload outside of the cluster is looked after. */
interface HealthProbe extends AppProbe {
  readonly exec?: { readonly command?: readonly string[] };
  readonly initialDelaySeconds?: number;
  readonly periodSeconds?: number;
  readonly successThreshold?: number;
  readonly failureThreshold?: number;
}

export interface AppHealthDeps {
  /** As the ProxyConfig has it. */
  readonly probe: unknown;
  readonly ip: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told of each change; undefined: the application is well. */
  onChange(problem: string | undefined): void;
}

/** Probes the application for as long as it runs. Undefined where there is no probe. */
export function watchAppHealth(deps: AppHealthDeps): { close(): void } | undefined {
  const probe = typeof deps.probe === "object" && deps.probe !== null ? (deps.probe as HealthProbe) : undefined;
  if (probe === undefined) return undefined;
  const { clock, log } = deps;
  let healthy: boolean | undefined;
  let streak = 0;
  let closed = false;
  const look = async (): Promise<void> => {
    const ok = await isWell(probe, deps.ip);
    if (closed) return;
    streak = ok === (healthy ?? !ok) ? 0 : streak + 1;
    const needed = ok ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
    if (ok !== healthy && streak >= Math.max(1, needed)) {
      healthy = ok;
      streak = 0;
      log.info(ok ? "the application is well" : "the application does not answer its probe");
      deps.onChange(ok ? undefined : `the application failed its readiness probe ${needed} times`);
    }
    clock.after((probe.periodSeconds || 10) * 1000, () => void look());
  };
  clock.after((probe.initialDelaySeconds ?? 0) * 1000, () => void look());
  return {
    close: () => {
      closed = true;
    },
  };
}

async function isWell(probe: HealthProbe, ip: string): Promise<boolean> {
  const [program, ...args] = probe.exec?.command ?? [];
  if (program !== undefined)
    return new Promise((resolve) => {
      execFile(program, args, { timeout: (probe.timeoutSeconds || 1) * 1000 }, (error) => resolve(error === null));
    });
  const status = await runAppProbe({ ...probe, timeoutSeconds: probe.timeoutSeconds || 1 }, ip, new Headers());
  return status >= 200 && status < 400;
}
