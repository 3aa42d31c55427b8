import { expect, test } from "bun:test";
import { readTarget } from "./request.ts";

test.each([
  ["httpbin:8000/get", undefined, { scheme: "http", host: "httpbin", port: 8000, path: "/get", method: "GET" }],
  ["grpc://[::1]:9", undefined, { scheme: "grpc", host: "::1", port: 9, path: "/", method: "POST" }],
  ["tcp://db", undefined, "tcp://db: say which port, as in tcp://db:1234"],
  ["http://a:99999/", undefined, "http://a:99999/: 99999 is no port; ports are 1 to 65535"],
  ["http://a/", "G T", 'http://a/: "G T" is no method; write GET, POST …'],
  ["ftp://a/", undefined, "ftp://a/: ftp:// is not known; use http, https, grpc, tcp or tls"],
  ["", undefined, ": expected http://host:port/path, or https://, grpc://, tls://, tcp://"],
] as const)("the target %p with method %p", (text, method, wanted) => {
  const read = readTarget(text, method, {});
  if (typeof wanted === "string") expect(read).toBe(wanted);
  else expect(read).toMatchObject(wanted);
});
