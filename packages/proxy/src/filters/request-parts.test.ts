import { expect, test } from "bun:test";
import { headerEntries, headerListOf } from "@heddle/wire";
import { decodeBase64 } from "./decode-base64.ts";
import { queryParameters, withoutCookie, withoutParameter } from "./request-parts.ts";

test.each([
  ["/", []],
  ["/?", [["", ""]]],
  [
    "/?a=1&b",
    [
      ["a", "1"],
      ["b", ""],
    ],
  ],
  [
    "/?%61=%20x&a+b=c+d&=e&f=g=h",
    [
      ["a", " x"],
      ["a+b", "c+d"],
      ["", "e"],
      ["f", "g=h"],
    ],
  ],
  ["/?a=%zz%4", [["a", "%zz%4"]]],
] as const)("parameters of %s", (path, wanted) => {
  expect(queryParameters(path)).toEqual(wanted as never);
});

test.each([
  ["/x?key=1", "/x"],
  ["/x?a=1&key=2&b=3&key", "/x?a=1&b=3"],
  ["/x?%6bey=1&a=%20", "/x?a=%20"],
  ["/x?keys=1", "/x?keys=1"],
  ["/x", "/x"],
])("%s without a parameter is %s", (path, wanted) => {
  expect(withoutParameter(path, "key")).toBe(wanted);
});

test("a cookie is taken out of the lines that have it, and lines that are empty then go", () => {
  const headers = headerListOf([
    ["cookie", "a=1; key=2;b=3"],
    ["cookie", "key=4"],
    ["cookie", "c=key"],
  ]);
  withoutCookie(headers, "key");
  expect(headerEntries(headers)).toEqual([
    ["cookie", "a=1; b=3"],
    ["cookie", "c=key"],
  ]);
});

test.each([
  ["YQ==", "a"],
  ["YQ", "a"],
  ["YWI", "ab"],
  ["YWJj", "abc"],
])("%s is base64", (text, wanted) => {
  expect(decodeBase64(text)?.toString()).toBe(wanted);
});

test.each(["", "=", "Y", "YR==", "YWK", "YW-j", "YWJj====", "YW Jj"])("%s is none", (text) => {
  expect(decodeBase64(text)).toBeUndefined();
});
