import { dlopen } from "bun:ffi";
import { readFileSync } from "node:fs";

/** What a process has used so far. */
export interface ProcessUsage {
  /** Time on a processor, all threads that it ever had, user and kernel. Units: ms. */
  readonly cpuMs: number;
  /** Units: bytes. */
  readonly rssBytes: number;
}

const libc = dlopen("libc.so.6", { clock_gettime: { args: ["i32", "ptr"], returns: "i32" } }).symbols;

/** Clock of a process's scheduled time. Source: Linux `include/linux/posix-timers_types.h`, CPUCLOCK_SCHED. */
const CPUCLOCK_SCHED = 2;

/** What a process has used. Its processor clock counts nanoseconds, ended threads included; the ticks of /proc are 10 ms. */
export function processUsage(pid: number): ProcessUsage {
  const time = new BigInt64Array(2);
  if (libc.clock_gettime((~pid << 3) | CPUCLOCK_SCHED, time) !== 0)
    throw new Error(`process ${pid} is gone, so its time can't be read`);
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const rssKb = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0);
  return { cpuMs: Number(time[0] ?? 0n) * 1000 + Number(time[1] ?? 0n) / 1e6, rssBytes: rssKb * 1024 };
}
