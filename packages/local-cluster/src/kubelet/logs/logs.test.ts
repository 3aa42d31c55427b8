import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createManualClock } from "@heddle/std";
import { createContainerLog } from "./log-file.ts";
import { formatLogLine, LineCutter, type LogLine, logTime, parseLogLine } from "./log-format.ts";
import { type LogQuery, readLog, selectLines } from "./log-reader.ts";

const directory = mkdtempSync(path.join(tmpdir(), "heddle-log-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const ALL: LogQuery = { follow: false, timestamps: false };

test("lines survive formatting; cut lines are left out", () => {
  const line: LogLine = { time: logTime(0), stream: "stderr", partial: false, text: "a b  c" };
  expect(parseLogLine(formatLogLine(line).trimEnd())).toEqual(line);
  expect(parseLogLine("1970-01-01T00:00")).toBeUndefined();
});

test("characters that are split between chunks stay whole", () => {
  const bytes = Buffer.from("äö\nü");
  const cutter = new LineCutter();
  const lines = [...bytes].flatMap((byte) => cutter.push(Uint8Array.of(byte)));
  expect([...lines, ...cutter.end()]).toEqual([
    { text: "äö", partial: false },
    { text: "ü", partial: true },
  ]);
});

test("a line without end is cut at 16 KiB", () => {
  const lines = new LineCutter().push(Buffer.alloc(40_000, "x"));
  expect(lines.map((line) => [line.text.length, line.partial])).toEqual([
    [16_384, true],
    [16_384, true],
  ]);
});

test("tail counts lines, not parts of lines", () => {
  const at = (text: string, partial = false): LogLine => ({ time: logTime(0), stream: "stdout", partial, text });
  const lines = [at("1"), at("2a", true), at("2b"), at("3")];
  expect(selectLines(lines, { ...ALL, tailLines: 2 }, 0).map((line) => line.text)).toEqual(["2a", "2b", "3"]);
  expect(selectLines(lines, { ...ALL, tailLines: 0 }, 0)).toEqual([]);
  expect(selectLines(lines, { ...ALL, tailLines: 9 }, 0)).toHaveLength(4);
});

describe("a log file", () => {
  const read = async (log: ReturnType<typeof createContainerLog>, query: LogQuery, nowMs = 0): Promise<string> => {
    let text = "";
    for await (const chunk of readLog(log, query, nowMs, new AbortController().signal))
      text += Buffer.from(chunk).toString();
    return text;
  };
  const open = (name: string, rotateAtBytes = 1_000_000, onLoss: (error: Error) => void = () => {}) => {
    const clock = createManualClock(0);
    return { clock, log: createContainerLog({ file: path.join(directory, name), rotateAtBytes, clock, onLoss }) };
  };

  test("is read with since, timestamps and limits", async () => {
    const { clock, log } = open("a.log");
    log.append("stdout", Buffer.from("one\ntwo\n"));
    clock.advance(60_000);
    log.append("stderr", Buffer.from("three\nrest"));
    log.close();
    expect(await read(log, ALL)).toBe("one\ntwo\nthree\nrest");
    expect(await read(log, { ...ALL, sinceSeconds: 30 }, 70_000)).toBe("three\nrest");
    expect(await read(log, { ...ALL, timestamps: true, tailLines: 2 })).toStartWith(
      "1970-01-01T00:01:00.000000000Z three\n",
    );
    expect(await read(log, { ...ALL, limitBytes: 5 })).toBe("one\nt");
  });

  test("is followed across rotations until it is closed", async () => {
    const { log } = open("b.log", 200);
    const following = read(log, { ...ALL, follow: true });
    const expected: string[] = [];
    for (let index = 0; index < 40; index++) {
      log.append("stdout", Buffer.from(`line ${index}\n`));
      expected.push(`line ${index}\n`);
      await Bun.sleep(0);
    }
    log.close();
    expect(log.rotations).toBeGreaterThan(3);
    expect(await following).toBe(expected.join(""));
    expect(existsSync(`${log.file}.1`)).toBe(true);
  });

  test("that cannot be written is reported once and stops nothing", () => {
    let losses = 0;
    const { log } = open("a.log/x.log", 100, () => losses++);
    log.append("stdout", Buffer.from("a\n"));
    log.append("stdout", Buffer.from("b\n"));
    log.close();
    expect(losses).toBe(1);
  });
});
