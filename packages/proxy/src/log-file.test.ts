import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLogFile } from "./log-file.ts";

test("after a rotation the log goes on in a new file; where there can't be one, in the old", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-log-"));
  const [path, rotated] = [join(folder, "here", "log"), join(folder, "rotated")];
  const elsewhere: string[] = [];
  const toElsewhere = (line: string) => void elsewhere.push(line);
  try {
    const missing = openLogFile(path, toElsewhere);
    expect(missing.ok ? "" : missing.error).toContain("--log-path can't be opened");
    const plain = join(folder, "log");
    const log = openLogFile(plain, toElsewhere);
    if (!log.ok) throw new Error(log.error);
    log.value.write("first\n");
    renameSync(plain, rotated);
    log.value.reopen();
    log.value.write("second\n");
    expect([readFileSync(rotated, "utf8"), readFileSync(plain, "utf8")]).toEqual(["first\n", "second\n"]);
    expect(elsewhere).toEqual([]);
    rmSync(folder, { recursive: true });
    log.value.reopen();
    expect(elsewhere[0]).toContain("stays in the old file");
    log.value.write("third\n");
    expect(elsewhere.length).toBe(1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("without a path lines go where they always went", () => {
  const lines: string[] = [];
  const log = openLogFile("", (line) => void lines.push(line));
  if (!log.ok) throw new Error(log.error);
  log.value.reopen();
  log.value.write("a\n");
  expect(lines).toEqual(["a\n"]);
});
