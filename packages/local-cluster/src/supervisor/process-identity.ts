import { readFileSync } from "node:fs";

/** A process that can be recognised later, though process ids are used again. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time since boot. Units: clock ticks. */
  readonly startTicks: string;
}

/** `undefined` when there is no such process. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command name, in parentheses, may hold anything; fields count from its end. Field 22 is the start time.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const startTicks = fields[19];
    return startTicks === undefined || fields[0] === "Z" ? undefined : { pid, startTicks };
  } catch {
    return undefined;
  }
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.startTicks === identity.startTicks;
}
