import { existsSync, readFileSync } from "node:fs";
import { MIB } from "../compare/load.ts";

/** What `memory-probe.ts` sees from inside of a proxy. Units: ms since 1970, bytes. */
export interface ProbeLine {
  readonly atMs: number;
  /** JavaScript objects. */
  readonly heap: number;
  /** Of the heap, what it has from the system. */
  readonly capacity: number;
  /** Memory beside the heap that objects hold, as far as they say so. */
  readonly beside: number;
  readonly objects: number;
  /** Taken from the allocator and not given back, the heap included. */
  readonly taken: number;
}

/** What the kernel says of a process. Units: bytes. Source: proc(5), `smaps_rollup`. */
export interface Resident {
  readonly rss: number;
  /** Its share of pages that others have too. */
  readonly pss: number;
  /** Pages without a file behind them: heap, allocator, stacks, compiled code. */
  readonly anonymous: number;
}

/** A proxy's memory at one moment. Units: MiB; `atMs`: since the first request. */
export interface MemorySample {
  readonly atMs: number;
  readonly rss: number;
  readonly anonymous: number;
}

/** Errors: throws when the process is gone. */
export function residentOf(pid: number): Resident {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0) * 1024;
  return { rss: bytes("Rss"), pss: bytes("Pss"), anonymous: bytes("Anonymous") };
}

/** What a probe wrote so far; none: it never ran. */
export function readProbe(file: string): readonly ProbeLine[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line): ProbeLine => JSON.parse(line));
}

/**
 * Medians of `parts` parts of a run that take equally long: what collections swing is gone from them, what grows is not.
 * A part without a value: NaN.
 */
export function partsOf<T extends { readonly atMs: number }>(
  samples: readonly T[],
  parts: number,
  of: (sample: T) => number,
): readonly number[] {
  const first = samples[0]?.atMs ?? 0;
  const span = (samples.at(-1)?.atMs ?? 0) - first;
  return Array.from({ length: parts }, (_, part) =>
    median(
      samples.filter(({ atMs }) => Math.min(parts - 1, Math.floor(((atMs - first) / span) * parts)) === part).map(of),
    ),
  );
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const PARTS = 12;

/** The series of one proxy for people: a line for each figure, a column for each twelfth of the run. */
export function formatSeries(samples: readonly MemorySample[], probed: readonly ProbeLine[]): readonly string[] {
  const row = (name: string, values: readonly number[]) =>
    `  ${name.padEnd(18)}${values.map((value) => (Number.isNaN(value) ? "–" : value.toFixed(1)).padStart(7)).join("")}`;
  const seen = (name: string, of: (sample: MemorySample) => number) => row(name, partsOf(samples, PARTS, of));
  const told = (name: string, of: (line: ProbeLine) => number) => row(name, partsOf(probed, PARTS, of));
  return [
    seen("RSS", (sample) => sample.rss),
    seen("… anonymous", (sample) => sample.anonymous),
    ...(probed.length === 0
      ? []
      : [
          told("JavaScript heap", ({ heap }) => heap / MIB),
          told("… capacity", ({ capacity }) => capacity / MIB),
          told("held beside it", ({ beside }) => beside / MIB),
          told("1000 objects", ({ objects }) => objects / 1000),
          told("from allocator", ({ taken }) => taken / MIB),
        ]),
  ];
}
