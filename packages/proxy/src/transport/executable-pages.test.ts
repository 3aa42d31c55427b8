import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createManualClock } from "@heddle/std";
import { forgetUnusedCode, unwrittenRanges } from "./executable-pages.ts";

const mapping = (range: string, rights: string, file: string, anonymousKb: number) =>
  `${range} ${rights} 00000000 fe:00 42                         ${file}\nSize:  64 kB\nRss:  64 kB\nPrivate_Dirty: ${anonymousKb} kB\nAnonymous:      ${anonymousKb} kB\nVmFlags: rd mr mw me\n`;

test("code and constants of the executable may be forgotten; what was written to, and other files, may not", () => {
  const smaps = [
    mapping("00200000-01a39000", "r--p", "/usr/bin/bun", 0),
    mapping("01a40000-0684a000", "r-xp", "/usr/bin/bun", 0),
    mapping("0684a000-0685f000", "rw-p", "/usr/bin/bun", 0),
    // Relocated by the loader, then protected.
    mapping("0685f000-06867000", "r--p", "/usr/bin/bun", 12),
    mapping("7f0000000000-7f0000010000", "r--p", "/usr/lib/libc.so.6", 0),
    mapping("7f0000020000-7f0000030000", "rwxp", "", 0),
    mapping("7f0000040000-7f0000050000", "r--s", "/usr/bin/bun", 0),
  ].join("");
  expect(unwrittenRanges(smaps, "/usr/bin/bun")).toEqual([
    [0x200000n, 0x1a39000n],
    [0x1a40000n, 0x684a000n],
  ]);
});

test.skipIf(process.platform !== "linux")("this process has code and constants of that kind", () => {
  expect(unwrittenRanges(readFileSync("/proc/self/smaps", "utf8"), process.execPath).length).toBeGreaterThanOrEqual(2);
});

test("a kernel without that map is no reason not to start", () => {
  expect(() => forgetUnusedCode(createManualClock(), 1000, "/proc/self/no-smaps")).not.toThrow();
});
