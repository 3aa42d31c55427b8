import { describe, expect, test } from "bun:test";
import { compileExpression, textOf } from "./expression.ts";
import type { AttributeSource } from "./operation.ts";

const values: Readonly<Record<string, string | number | boolean>> = {
  "request.host": "web.shop",
  "request.method": "GET",
  "request.url_path": "/books/12",
  "response.code": 503,
  "destination.port": 8080,
  "connection.mtls": true,
  "request.headers[x-user]": "ann",
  "upstream_peer.app": "books",
  "upstream_peer.labels[role]": "db",
};
const source: AttributeSource = {
  read: (attribute, key) => values[key === "" ? attribute : `${attribute}[${key}]`],
};

function run(text: string): string {
  const compiled = compileExpression(text);
  if (!compiled.ok) return `refused: ${compiled.error}`;
  return textOf(compiled.value.evaluate(source)) ?? "no value";
}

describe("expressions", () => {
  // From Istio's documentation and what people write like it.
  test.each([
    ["request.host", "web.shop"],
    ["string(destination.port)", "8080"],
    ["'prod'", "prod"],
    ['"it\\"s"', 'it"s'],
    ["has(request.host) ? request.host : 'unknown'", "web.shop"],
    ["has(request.referer) ? request.referer : 'none'", "none"],
    ["request.headers['x-user']", "ann"],
    ["has(request.headers.cookie) ? 'session' : 'none'", "none"],
    ["'x-user' in request.headers", "true"],
    ["filter_state.upstream_peer.app", "books"],
    ["filter_state['upstream_peer'].labels['role']", "db"],
    ["upstream_peer.labels['role'].value", "db"],
    ["downstream_peer.app", "no value"],
    ["response.code >= 500", "true"],
    ["response.code / 100 == 5 ? '5xx' : 'other'", "5xx"],
    ["string(response.code / 100) + 'xx'", "5xx"],
    ["request.method == 'GET' && request.url_path.startsWith('/books/')", "true"],
    ["request.method in ['POST', 'PUT'] || connection.mtls", "true"],
    ["response.code in [500, 503]", "true"],
    ["response.code in []", "false"],
    ["request.url_path.matches('^/books/[0-9]+$') ? '/books/{id}' : request.url_path", "/books/{id}"],
    ["!(request.method != 'GET') ? -1 : 1", "-1"],
    ["size(request.host) + request.host.size() + size(['a'])", "17"],
    ["1 + 2 * 3 - 8 % 5", "4"],
    ["7 / 2", "3"],
    ["7.0 / 2.0", "3.5"],
    ["1 / 0", "no value"],
    ["int('12') + int(2.9)", "14"],
    ["int('1x')", "no value"],
    // As CEL: a side that decides makes the other's error irrelevant.
    ["request.referer == 'x' || true", "true"],
    ["request.referer == 'x' && false", "false"],
    ["request.referer == 'x' || false", "no value"],
  ])("%s gives %s", (text, result) => {
    expect(run(text)).toBe(result);
  });

  test.each([
    ["", "is empty"],
    ["request.hots", "request.hots is no attribute that can be asked for here; there are request.host"],
    ["foo", "at character 1: foo is no attribute"],
    ["request", "request is no attribute"],
    ["request.headers", "request.headers has many values; ask for one, such as request.headers['name']"],
    ["request.headers[request.host]", "keys must be written as text"],
    ["request.host && true", "a bool is expected, not string"],
    ["request.host + 1", "+ needs two values of one type, not string and int"],
    ["request.host ==", "a value is expected, not the end"],
    ["request.host request.path", "nothing may follow here"],
    ["true ? 1 : 'a'", "both results must be of one type, not int and string"],
    ["request.host.exists(x, x)", "x is no attribute"],
    ["request.host.lower()", ".lower(…) is no function that is known; there are has"],
    ["matches(request.host, 'a')", "matches(…) is no function"],
    ["request.host.matches('(?=a)')", "RE2 refuses the pattern"],
    ["request.host.matches(request.path)", "the pattern of matches() must be written as text"],
    ["has('a')", "has() takes one field"],
    ["has(request.headers['a'])", "for keys in quotes there is in"],
    ["'a", "begins nothing known"],
    ["'\\q'", "\\q is no escape"],
    ["r'a'", "raw strings"],
    ["3u", "unsigned"],
    ["99999999999999999999", "too large"],
    ["null", "null is not known"],
    ["[1, 'a']", "a list holds values of one simple type"],
    ["'a' in [1]", "a list of int cannot hold a string"],
    ["true < false", "< cannot be used on bool"],
    ["-'a'", "- needs a number"],
    [`${"(".repeat(100)}1${")".repeat(100)}`, "nested too deeply"],
    [`${"!".repeat(200)}true`, "nested too deeply"],
    ["a".repeat(3000), "characters; 2048 are the limit"],
  ])("%s is refused: %s", (text, reason) => {
    expect(run(text)).toContain(`${reason}`);
    expect(run(text)).toStartWith("refused: ");
  });

  test("what it asks for is known, each once", () => {
    const compiled = compileExpression(
      "request.headers['X-A'] == 'b' && 'X-A' in request.headers ? request.host : 'c'",
    );
    expect(compiled.ok && compiled.value.uses).toEqual([
      { attribute: "request.headers", key: "X-A", written: "request.headers.X-A" },
      { attribute: "request.host", key: "", written: "request.host" },
    ]);
  });

  test("never throws, whatever is written", () => {
    const pieces = [
      "request.host",
      "'a'",
      "(",
      ")",
      "[",
      "]",
      "?",
      ":",
      "&&",
      "!",
      ".",
      "in",
      "has",
      "1",
      "+",
      ",",
      "==",
    ];
    let seed = 7;
    const next = (limit: number): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed % limit;
    };
    for (let i = 0; i < 3000; i++) {
      const text = Array.from({ length: 1 + next(9) }, () => pieces[next(pieces.length)]).join(
        next(2) === 0 ? " " : "",
      );
      expect(typeof run(text)).toBe("string");
    }
  });
});
