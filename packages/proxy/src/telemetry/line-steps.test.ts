import { expect, test } from "bun:test";
import { headerListOf } from "@heddle/wire";
import type { FormatCommand } from "../config/format.ts";
import { jsonLine, type LogLine, renderLine, textLine } from "../config/log-line.ts";
import { createScope } from "../config/scope.ts";
import { formatTime } from "../config/time-format.ts";
import { LineBuffer } from "./line-buffer.ts";
import { type LineFacts, lineSteps } from "./line-steps.ts";

const requestHeaders = headerListOf([
  ["user-agent", "a"],
  ["x-forwarded-for", "1.1.1.1"],
  ["x-forwarded-for", "2.2.2.2"],
  ["x-own", "own"],
  ["referer", "z".repeat(5000)],
]);
const startTime = Date.UTC(2026, 1, 3, 4, 5, 6, 7);
const values: Readonly<Record<string, string | undefined>> = {
  RESPONSE_CODE: "200",
  PROTOCOL: "HTTP/1.1",
  DURATION: undefined,
  ROUTE_NAME: 'said "ü"\n\\',
  UPSTREAM_HOST: "€ 10.0.0.1:80",
};

function factsOf(): LineFacts {
  const command = ({ name, headers, argument }: FormatCommand): string | undefined => {
    if (name === "REQ") return requestHeaders.getAll(headers[0] ?? "");
    return name === "START_TIME" ? formatTime(startTime, argument) : values[name];
  };
  return { values: { command }, startTime, requestHeaders, responseHeaders: undefined };
}

function written(line: LogLine): string {
  const out = new LineBuffer();
  const steps = lineSteps(line);
  // Twice: buffers and kept times are used again.
  for (const _ of [1, 2]) {
    out.drop(out.length);
    for (const step of steps) step.write(out, factsOf());
  }
  return out.bytes.toString("utf8", 0, out.length);
}

const scope = createScope("log");
const JSON_FORMAT = {
  code: "%RESPONSE_CODE%",
  took: "%DURATION%",
  route: "%ROUTE_NAME%",
  both: "%PROTOCOL% %RESPONSE_CODE%",
  plain: '50%% "',
  "key ü": ["%PROTOCOL%", { deep: true, none: null, n: 1.5 }],
};

test.each([
  ["text", textLine('[%START_TIME%] "%REQ(USER-AGENT)%" %REQ(X-FORWARDED-FOR)% %REQ(X-OWN)% ü\n', scope)],
  ["long values, and what is not there", textLine("%REQ(REFERER)% %REQ(VIA)% %DURATION% %REQ(REFERER):7%\n", scope)],
  ["more than ASCII", textLine("%UPSTREAM_HOST%|%ROUTE_NAME%|%UPSTREAM_HOST:3%\n", scope)],
  ["a pattern of time", textLine("%START_TIME(%s.%3f)% %START_TIME(%Y)%\n", scope)],
  ["empty values left out", textLine("%REQ(VIA)%|%REQ(X-FORWARDED-FOR)%|%DURATION%|%REQ(VIA):3%\n", scope, true)],
  ["constants", textLine("100%%\n", scope)],
  ["JSON", jsonLine(JSON_FORMAT, false, scope)],
  ["JSON without empty values", jsonLine(JSON_FORMAT, true, scope)],
  ["JSON that is a text", jsonLine("%PROTOCOL%", false, scope)],
])("steps say what the line says: %s", (_, line) => {
  expect(written(line)).toBe(renderLine(line, factsOf().values));
});

test("a line without its end gets one", () => {
  expect(written(textLine("%PROTOCOL%", scope))).toBe("HTTP/1.1\n");
});

test("bytes of a header go out as they came", () => {
  const out = new LineBuffer();
  const bytes = Buffer.from("grün").toString("latin1");
  const facts = { ...factsOf(), requestHeaders: headerListOf([["user-agent", bytes]]) };
  for (const step of lineSteps(textLine("%REQ(USER-AGENT)%", scope))) step.write(out, facts);
  expect(out.bytes.toString("utf8", 0, out.length)).toBe("grün\n");
});

/** What a line says of a request whose headers are these bytes. */
function said(line: LogLine, header: Buffer): Buffer {
  const requestHeaders = headerListOf([
    ["user-agent", header.toString("latin1")],
    ["x-own", header.toString("latin1")],
  ]);
  const command = ({ name, headers }: FormatCommand) =>
    name === "REQ" ? requestHeaders.getAll(headers[0] ?? "") : "röte";
  const out = new LineBuffer();
  for (const step of lineSteps(line)) step.write(out, { ...factsOf(), values: { command }, requestHeaders });
  return Buffer.from(out.bytes.subarray(0, out.length - 1));
}

const HEADERS_JSON = {
  known: "%REQ(USER-AGENT)%",
  own: "%REQ(X-OWN)%",
  cut: "%REQ(X-OWN):4%",
  mixed: "é %REQ(X-OWN)% %ROUTE_NAME%",
};

test.each([
  ["UTF-8", Buffer.from("grün €"), "grün €", "grü"],
  ["no UTF-8", Buffer.from("gr\u00fcn \u0080", "latin1"), "gr\u00fcn \u0080", "gr\u00fcn"],
  ["ASCII", Buffer.from('a "b"'), 'a "b"', 'a "b'],
])("headers in JSON, as Envoy has them: %s", (_, header, text, cut) => {
  const wanted = { known: text, own: text, cut, mixed: `é ${text} röte` };
  for (const omitEmpty of [false, true])
    expect(JSON.parse(said(jsonLine(HEADERS_JSON, omitEmpty, scope), header).toString())).toEqual(wanted);
  const line = textLine("%REQ(USER-AGENT)%|%REQ(X-OWN)%|%REQ(X-OWN):4%|%ROUTE_NAME%", scope);
  const bar = Buffer.from("|");
  expect(said(line, header)).toEqual(
    Buffer.concat([header, bar, header, bar, header.subarray(0, 4), bar, Buffer.from("röte")]),
  );
});

test("a buffer that grew keeps its order, and shrinks when it is empty", () => {
  const out = new LineBuffer();
  const usual = out.bytes.length;
  const expected: string[] = [];
  for (let i = 0; i < 300; i++) {
    const part = `${i}`.repeat((i % 7) * 120);
    expected.push(part);
    if (i % 3 === 0) out.text(part);
    else if (i % 3 === 1) out.latin1(part);
    else out.raw(Buffer.from(part));
  }
  expect(out.bytes.length).toBeGreaterThan(usual);
  const all = expected.join("");
  out.drop(1000);
  expect(out.bytes.toString("latin1", 0, out.length)).toBe(all.slice(1000));
  out.drop(out.length);
  expect(out.bytes.length).toBe(usual);
});
