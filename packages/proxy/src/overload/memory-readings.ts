import { readFileSync } from "node:fs";
import type { MemoryReadings } from "./overload-watch.ts";

/** Units: bytes. Source: Linux, every architecture that the runtime supports. */
const PAGE_BYTES = 4096;

/** Reads the kernel's files. Only composition roots call this. */
export function createMemoryReadings(root = "/sys/fs/cgroup"): MemoryReadings {
  const number = (path: string): number => Number(readFileSync(`${root}/${path}`, "utf8"));
  const stat = (path: string, name: string): number => {
    const line = readFileSync(`${root}/${path}`, "utf8")
      .split("\n")
      .find((text) => text.startsWith(`${name} `));
    return Number(line?.split(" ")[1] ?? 0);
  };
  const readGroup = (used: string, limit: string, stats: string, cache: string) => {
    const limitBytes = number(limit);
    // Files that nobody reads at present are given back by the kernel before anything fails.
    const usedBytes = number(used) - stat(stats, cache);
    return { usedBytes, limitBytes: Number.isNaN(limitBytes) ? Number.POSITIVE_INFINITY : limitBytes };
  };
  return {
    processBytes: () => {
      // Pages of the executable are shared by all proxies of a node. Source: proc(5), statm: size resident shared.
      const [, resident = 0, shared = 0] = readFileSync("/proc/self/statm", "utf8").split(" ").map(Number);
      return (resident - shared) * PAGE_BYTES;
    },
    group: () => {
      try {
        return readGroup("memory.current", "memory.max", "memory.stat", "inactive_file");
      } catch {
        return groupOfVersion1(() =>
          readGroup(
            "memory/memory.usage_in_bytes",
            "memory/memory.limit_in_bytes",
            "memory/memory.stat",
            "total_inactive_file",
          ),
        );
      }
    },
    file: (path) => readFileSync(path, "utf8"),
    shrink: () => Bun.gc(true),
  };
}

function groupOfVersion1(read: MemoryReadings["group"]): ReturnType<MemoryReadings["group"]> {
  try {
    return read();
  } catch {
    return undefined;
  }
}
