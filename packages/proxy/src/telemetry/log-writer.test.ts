import { expect, test } from "bun:test";
import { createSystemClock } from "@heddle/std";
import { createLogWriter } from "./log-writer.ts";

test("a pipe that is full half way gets each byte once", () => {
  let taken = "";
  let room = 9;
  const problems: unknown[] = [];
  const writer = createLogWriter(
    createSystemClock(),
    (_path, error) => problems.push(error),
    (_fd, bytes, at) => {
      if (room === 0) throw Object.assign(new Error("full"), { code: "EAGAIN" });
      // The middle of a character is a place like any other.
      const part = bytes.subarray(at, at + Math.min(room, 4));
      taken += Buffer.from(part).toString("latin1");
      room -= part.length;
      return part.length;
    },
  );
  writer.write("/dev/stdout", "first ü é\n");
  writer.flush();
  writer.write("/dev/stdout", "second\n");
  writer.flush();
  expect(Buffer.from(taken, "latin1").length).toBe(9);
  room = 100;
  writer.close();
  expect(Buffer.from(taken, "latin1").toString("utf8")).toBe("first ü é\nsecond\n");
  expect(problems).toEqual([]);
});
