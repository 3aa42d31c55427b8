import { readFileSync } from "node:fs";

/** What a process has used so far. */
export interface ProcessUsage {
  /** Time on a processor, all threads that it ever had, user and kernel. Units: ms. */
  readonly cpuMs: number;
  /** Units: bytes. */
  readonly rssBytes: number;
}

/** Clock ticks of /proc, USER_HZ, are 100 a second on every Linux that we run on. Units: ms. */
const TICK_MS = 10;

/**
 * Reads /proc/<pid>/stat. Its ticks of 10 ms are coarse, so measure a second or more; the finer per-thread counters lose what
 * ended threads have used, and the runtime's compiler and collector threads come and go.
 */
export function processUsage(pid: number): ProcessUsage {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field, the program's name in parentheses, may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const cpuMs = (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const rssKb = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0);
  return { cpuMs, rssBytes: rssKb * 1024 };
}
