import { readdirSync, readFileSync } from "node:fs";

/** What a process has used so far. */
export interface ProcessUsage {
  /** Time on a processor, all threads, user and kernel. Units: ms. */
  readonly cpuMs: number;
  /** Units: bytes. */
  readonly rssBytes: number;
}

const NS_PER_MS = 1e6;

/**
 * Reads /proc. CPU comes from each thread's schedstat, which counts nanoseconds (`stat` counts 10 ms ticks). A thread that ends takes its time
 * with it, so compare only processes with a fixed set of threads.
 */
export function processUsage(pid: number): ProcessUsage {
  let cpuNs = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    cpuNs += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
  }
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const rssKb = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0);
  return { cpuMs: cpuNs / NS_PER_MS, rssBytes: rssKb * 1024 };
}
