import type { Clock, Logger } from "@heddle/std";
import type { MemoryReadings } from "./overload/overload-watch.ts";
import { IDLE_VARIABLE, idleTime } from "./telemetry/idle-series.ts";
import { createLogWriter } from "./telemetry/log-writer.ts";
import { createTelemetry, type Telemetry, type TelemetryDeps } from "./telemetry/telemetry.ts";
import type { Kernel } from "./transport/kernel.ts";
import type { ResolveHost } from "./upstream/dns-watch.ts";
import type { EjectionLog } from "./upstream/ejection-log.ts";
import type { StartFleet } from "./workers/worker-pool.ts";

/** What each role of the data plane gets of its process. */
export interface RoleDeps {
  readonly kernel: Kernel;
  readonly memory: MemoryReadings;
  readonly clock: Clock;
  readonly random: () => number;
  readonly uuid: () => string;
  /** A variable of the environment. */
  readonly variable: (name: string) => string | undefined;
  readonly resolve: ResolveHost;
  readonly log: Logger;
  /** The program's own log goes on in a new file, where the old one was renamed. */
  reopenLog(): void;
}

/** What a role gets that may start workers of its own. */
export interface FirstRoleDeps extends RoleDeps {
  readonly mark: number | undefined;
  readonly version: string;
  /** Settles when the process is asked to end. */
  readonly stop: Promise<void>;
  /** The process is asked, by SIGUSR1, to write its logs into new files. */
  onReopenLogs(run: () => void): void;
  /** Workers in all. */
  readonly concurrency: number;
  readonly startFleet: StartFleet;
}

/** Metrics and access logs of a role. */
export interface RoleTelemetry extends Telemetry {
  /** Adds a line to a file. */
  writeLog(path: string, line: string): void;
  /** Access logs and the program's own go on in new files, where the old ones were renamed. */
  reopenLogs(): void;
  /** Writes what waits of the access logs. */
  closeLogs(): void;
}

/** @param concurrency Of the process that may forget idle series; workers leave it out. */
export function roleTelemetry(
  { clock, log, variable, reopenLog }: Pick<RoleDeps, "clock" | "log" | "variable" | "reopenLog">,
  about: Pick<TelemetryDeps, "self" | "metadata" | "localUri" | "traceProvider">,
  concurrency?: number,
): RoleTelemetry {
  const writer = createLogWriter(clock, (path, error) =>
    log.error("an access log can't be written", { path, error: String(error) }),
  );
  const idle = concurrency === undefined ? undefined : idleTime(variable(IDLE_VARIABLE), concurrency, clock, log);
  return {
    ...createTelemetry({ ...about, idle, writer, log, env: variable }),
    writeLog: (path, line) => {
      const file = writer.file(path);
      const buffer = file.begin();
      if (buffer === undefined) return;
      buffer.text(line);
      file.end();
    },
    reopenLogs: () => {
      writer.reopen();
      reopenLog();
    },
    closeLogs: () => writer.close(),
  };
}

/** A record of ejections in a file; undefined where none is asked for. Its messages are loaded with the first one. */
export function ejectionLogTo(
  path: string,
  { writeLog }: Pick<RoleTelemetry, "writeLog">,
  clock: Clock,
): EjectionLog | undefined {
  if (path === "") return undefined;
  const log = async () =>
    (await import("./upstream/ejection-log.ts")).createEjectionLog(
      (line) => writeLog(path, line),
      () => clock.now(),
    );
  let loaded: Promise<EjectionLog> | undefined;
  return (event) => {
    loaded ??= log();
    void loaded.then((write) => write(event));
  };
}
