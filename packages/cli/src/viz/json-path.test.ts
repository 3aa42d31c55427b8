import { expect, test } from "bun:test";
import { parseJsonPath } from "./json-path.ts";

const EVENT = {
  proxyDirection: "INBOUND",
  requestInitEvent: { path: "/a", headers: [{ name: "x" }, { name: "y" }] },
  responseInitEvent: { httpStatus: 200 },
  "a.b": { "c d": 1 },
};

test.each([
  ["{.requestInitEvent.path}", "/a"],
  [".requestInitEvent.path", "/a"],
  ["$.requestInitEvent.path", "/a"],
  ['{.proxyDirection}{"\\t"}{.responseInitEvent.httpStatus}', "INBOUND\t200"],
  ["path is {.requestInitEvent.path}!", "path is /a!"],
  ["{.requestInitEvent.headers[*].name}", "x y"],
  ["{.requestInitEvent.headers[1].name}", "y"],
  ["{.requestInitEvent.headers[-1]}", '{"name":"y"}'],
  ["{.a\\.b['c d']}", "1"],
  ["{.nothing.there}", ""],
  ["{.requestInitEvent.path.length}", ""],
  ["{'}'}", "}"],
])("%s", (template, text) => {
  expect(parseJsonPath(template)(EVENT)).toBe(text);
});

test.each([
  ["", "give a template"],
  ["{.a", "without its end"],
  [`{${'"a'.repeat(99)}`, "without its end"],
  ["{range .items[*]}", "can't read {range .items[*]}"],
  ["{.a[?(@.b)]}", "[?(@.b)]"],
])("%s is refused", (template, sentence) => {
  expect(() => parseJsonPath(template)).toThrow(sentence);
});
