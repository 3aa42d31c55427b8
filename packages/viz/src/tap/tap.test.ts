import { expect, test } from "bun:test";
import { createHttpLines } from "./http-lines.ts";
import { readTapLine, tapFailed } from "./tap-event.ts";

const answer = Buffer.from(
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n{"a":1\r\n3\r\n}\nß\r\n2\r\n\nx\r\n0\r\n\r\n'.replace(
    "3\r\n}\nß",
    "4\r\n}\nß",
  ),
);

test("lines come out whole however the bytes are cut", () => {
  for (let size = 1; size < answer.length; size++) {
    const lines: string[] = [];
    const reader = createHttpLines((line) => lines.push(line));
    for (let at = 0; at < answer.length; at += size) reader.push(answer.subarray(at, at + size));
    expect(lines).toEqual(['{"a":1}', "ß"]);
    expect(reader.ended).toBe(true);
  }
});

test("a refusal's sentence is kept", () => {
  const reader = createHttpLines(() => undefined);
  reader.push(Buffer.from("HTTP/1.1 403 Forbidden\r\n\r\nno tap here\n"));
  expect([reader.status, reader.rest()]).toEqual([403, "no tap here\n"]);
});

test("whatever a proxy says is read without trust", () => {
  expect(readTapLine("")).toBeUndefined();
  expect(readTapLine("nonsense")).toBeUndefined();
  expect(readTapLine('{"dropped":3}')).toEqual({ dropped: 3 });
  const event = readTapLine('{"path":"/a","status":"x","grpcStatus":2,"requestHeaders":[["a"],7]}');
  expect(event).toMatchObject({ path: "/a", status: 0, grpcStatus: 2, requestHeaders: [["a", ""]] });
  expect(tapFailed({ status: 200, grpcStatus: 2 })).toBe(true);
  expect(tapFailed({ status: 404, grpcStatus: -1 })).toBe(false);
});
