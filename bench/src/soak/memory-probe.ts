/**
 * Preloaded into a proxy of a soak: what the runtime says of its own memory, each `HEDDLE_SOAK_PROBE_MS`, as lines of JSON (`ProbeLine`) in the
 * file `HEDDLE_SOAK_PROBE_FILE`. The proxy's pages say less: they are those of Envoy.
 */
import { heapStats } from "bun:jsc";
import { appendFileSync } from "node:fs";
import type { ProbeLine } from "./memory-series.ts";

const file = process.env["HEDDLE_SOAK_PROBE_FILE"];
const everyMs = Number(process.env["HEDDLE_SOAK_PROBE_MS"] ?? 15_000);

/** Missing from Bun's published types. */
interface Allocator {
  readonly malloc_normal: { readonly current: number };
  readonly malloc_huge: { readonly current: number };
}

function look(to: string): void {
  const stats: ReturnType<typeof heapStats> & { readonly mimalloc?: Allocator } = heapStats();
  const { heapSize, heapCapacity, extraMemorySize, objectCount, mimalloc } = stats;
  const line: ProbeLine = {
    atMs: Date.now(),
    heap: heapSize,
    capacity: heapCapacity,
    beside: extraMemorySize,
    objects: objectCount,
    taken: (mimalloc?.malloc_normal.current ?? 0) + (mimalloc?.malloc_huge.current ?? 0),
  };
  appendFileSync(to, `${JSON.stringify(line)}\n`);
}

if (file !== undefined) setInterval(look, everyMs, file).unref();
