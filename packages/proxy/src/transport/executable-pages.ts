import { dlopen } from "bun:ffi";
import { readFileSync } from "node:fs";
import type { Clock } from "@heddle/std";

/** Source: Linux `asm-generic/mman-common.h`. */
const MADV_DONTNEED = 4;
/** What starting needed is over by then; what the compiler needed comes and goes. Units: ms. */
const EVERY_MS = 1000;
/** A second with less processor time than this brings few pages back: an idle process is left alone. Units: µs. */
const IDLE_US = 10_000;

/**
 * Lets the process's map forget the pages of the runtime's code, again and again: what is in use comes back at the next call, from the page
 * cache and without I/O, what only the start or the compiler needed stays out. Nothing of the code can be lost: the mapping is private, never
 * written to, and the file is behind it.
 *
 * Measured 2026-11-21: 32 MiB without, 7–18 under load while the compiler works (the kernel brings 64 KiB for each page that is touched); no
 * difference in processor time per request. What works in short bursts pays more, as each burst finds its pages gone.
 * `everyMs`: default 1000.
 */
export function forgetUnusedCode(clock: Clock, everyMs = EVERY_MS): void {
  if (process.platform !== "linux") return;
  const text = readFileSync("/proc/self/maps", "utf8");
  const own = text.split("\n").flatMap((line) => {
    const [, from, to, path] = /^([0-9a-f]+)-([0-9a-f]+) r-xp \S+ \S+ \S+ +(\/.+)$/.exec(line) ?? [];
    return from === undefined || path !== process.execPath ? [] : [[BigInt(`0x${from}`), BigInt(`0x${to}`)] as const];
  });
  if (own.length === 0) return;
  const { madvise } = dlopen("libc.so.6", { madvise: { args: ["u64", "u64", "i32"], returns: "i32" } }).symbols;
  let used = 0;
  const forget = () => {
    const { user, system } = process.cpuUsage();
    if (user + system - used < (IDLE_US * everyMs) / 1000) return;
    used = user + system;
    for (const [from, to] of own) madvise(from, to - from, MADV_DONTNEED);
  };
  clock.every(everyMs, forget);
}
