import { expect, test } from "bun:test";
import { bodyOf } from "./pod-http.ts";

test("bodies with length, chunks, and failures", () => {
  expect(bodyOf(Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), "x")).toBe("ok");
  expect(
    bodyOf(Buffer.from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), "x"),
  ).toBe("abcde");
  expect(() => bodyOf(Buffer.from("HTTP/1.1 404 Not Found\r\n\r\nno"), "pod:15000/x")).toThrow(
    "pod:15000/x: HTTP 404: no",
  );
  expect(() => bodyOf(Buffer.from("HTT"), "pod")).toThrow("ended before its headers");
});
