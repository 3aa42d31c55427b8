import { expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createManualClock, createSystemClock } from "@heddle/std";
import { createLogWriter, type LogWriter } from "./log-writer.ts";

function write(writer: LogWriter, path: string, line: string): void {
  const file = writer.file(path);
  file.begin()?.text(line);
  file.end();
}

test("a pipe that is full half way gets each byte once", () => {
  let taken = "";
  let room = 9;
  const problems: unknown[] = [];
  const writer = createLogWriter(
    createSystemClock(),
    (_path, error) => problems.push(error),
    (_fd, bytes, at, length) => {
      if (room === 0) throw Object.assign(new Error("full"), { code: "EAGAIN" });
      // The middle of a character is a place like any other.
      const part = bytes.subarray(at, at + Math.min(room, length, 4));
      taken += Buffer.from(part).toString("latin1");
      room -= part.length;
      return part.length;
    },
  );
  write(writer, "/dev/stdout", "first ü é\n");
  writer.flush();
  write(writer, "/dev/stdout", "second\n");
  writer.flush();
  expect(Buffer.from(taken, "latin1").length).toBe(9);
  room = 100;
  writer.close();
  expect(Buffer.from(taken, "latin1").toString("utf8")).toBe("first ü é\nsecond\n");
  expect(problems).toEqual([]);
});

test("a file that can't be opened is told once, and tried again later", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-log-writer-"));
  const path = join(folder, "later", "access.log");
  const clock = createManualClock();
  const problems: string[] = [];
  const writer = createLogWriter(clock, (where, error) => problems.push(`${where} ${error}`));
  for (let i = 0; i < 100; i++) write(writer, path, "lost\n");
  clock.advance(20_000);
  write(writer, path, "lost\n");
  expect(problems.length).toBe(1);
  expect(problems[0]).toContain("ENOENT");
  expect(existsSync(join(folder, "later"))).toBe(false);
  mkdirSync(join(folder, "later"));
  write(writer, path, "too early\n");
  clock.advance(20_000);
  write(writer, path, "kept\n");
  writer.close();
  expect(readFileSync(path, "utf8")).toBe("kept\n");
  rmSync(folder, { recursive: true });
});
