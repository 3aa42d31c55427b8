import { readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";

/** What this process may use of the machine: the control group's limits where there are any. */
export interface Machine {
  /** Processors, a started one counts whole. */
  readonly cpus: number;
  /** Limit of the control group; undefined: there is none. Units: bytes. */
  readonly memoryLimitBytes: number | undefined;
  /** Memory of the machine. Units: bytes. */
  readonly memoryBytes: number;
}

/** Source: Linux control groups, v2 first. Only composition roots call this. */
export function readMachine(root = "/sys/fs/cgroup"): Machine {
  const memoryBytes = totalmem();
  const [quota, period] = read(`${root}/cpu.max`)?.split(" ").map(Number) ?? [
    Number(read(`${root}/cpu/cpu.cfs_quota_us`)),
    Number(read(`${root}/cpu/cpu.cfs_period_us`)),
  ];
  const limited = quota !== undefined && period !== undefined && quota > 0 && period > 0;
  const limit = Number(read(`${root}/memory.max`) ?? read(`${root}/memory/memory.limit_in_bytes`));
  return {
    cpus: Math.min(availableParallelism(), limited ? Math.max(1, Math.ceil(quota / period)) : Number.POSITIVE_INFINITY),
    memoryLimitBytes: limit > 0 && limit < memoryBytes ? limit : undefined,
    memoryBytes,
  };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
