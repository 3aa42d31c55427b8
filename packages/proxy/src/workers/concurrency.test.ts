import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readMachine } from "../machine.ts";
import { chooseConcurrency } from "./concurrency.ts";

test("one worker, unless it is asked for more; 0 is all processors; nonsense is named", () => {
  const machine = { cpus: 8 };
  expect(chooseConcurrency(undefined, machine)).toEqual({ ok: true, value: 1 });
  expect(chooseConcurrency("3", machine)).toEqual({ ok: true, value: 3 });
  expect(chooseConcurrency("0", machine)).toEqual({ ok: true, value: 8 });
  for (const text of ["-1", "1.5", "many", "1000"]) {
    const chosen = chooseConcurrency(text, machine);
    expect(chosen.ok ? "" : chosen.error).toContain(`concurrency is "${text}"`);
  }
});

test("limits of a control group, v2 and v1", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-cgroup-"));
  try {
    expect(readMachine(folder).memoryLimitBytes).toBeUndefined();
    writeFileSync(join(folder, "cpu.max"), "50000 100000\n");
    writeFileSync(join(folder, "memory.max"), "134217728\n");
    expect(readMachine(folder)).toMatchObject({ cpus: 1, memoryLimitBytes: 134_217_728 });
    writeFileSync(join(folder, "memory.max"), "max\n");
    expect(readMachine(folder).memoryLimitBytes).toBeUndefined();
    rmSync(join(folder, "cpu.max"));
    rmSync(join(folder, "memory.max"));
    mkdirSync(join(folder, "memory"));
    writeFileSync(join(folder, "memory", "memory.limit_in_bytes"), "67108864\n");
    expect(readMachine(folder).memoryLimitBytes).toBe(67_108_864);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
