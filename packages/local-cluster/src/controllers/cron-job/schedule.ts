import { Cron } from "croner";

/** When a schedule was due. */
export interface DueTimes {
  /** The last time that has passed since `afterMs`; undefined when none has. */
  readonly lastMs: number | undefined;
  /** How many have passed; counting stops at 100. */
  readonly missed: number;
  /** The next one; undefined when there is none. */
  readonly nextMs: number | undefined;
}

const MOST_MISSED = 100;

/** Errors: a sentence for a schedule or time zone that cannot be read. */
export function dueTimes(schedule: string, timeZone: string, afterMs: number, nowMs: number): DueTimes | string {
  let cron: Cron;
  try {
    cron = new Cron(fiveFields(schedule), { timezone: timeZone === "" ? "UTC" : timeZone, paused: true });
    cron.nextRun(new Date(afterMs));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  let lastMs: number | undefined;
  let missed = 0;
  let next = cron.nextRun(new Date(afterMs));
  while (next !== null && next.getTime() <= nowMs) {
    lastMs = next.getTime();
    missed++;
    // Long ago: start over close to now instead of walking through all of them.
    next = cron.nextRun(missed < MOST_MISSED ? next : new Date(Math.max(next.getTime(), nowMs - 60_000)));
    if (missed > MOST_MISSED * 2) break;
  }
  return { lastMs, missed, nextMs: next?.getTime() };
}

const MACROS: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

/** The library also reads a field of seconds, which Kubernetes refuses. */
function fiveFields(schedule: string): string {
  const plain = MACROS[schedule.trim()] ?? schedule.trim();
  if (plain.split(/\s+/).length !== 5)
    throw new Error(`expected exactly 5 fields in "${schedule}": minute hour day-of-month month day-of-week`);
  return plain;
}
