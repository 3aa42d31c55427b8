import { expect, test } from "bun:test";
import { logLine, readOptions } from "./options.ts";

test("the words of the walkthroughs", () => {
  const gunicorn = ["--access-logfile", "-", "-b", "0.0.0.0:80", "httpbin:app", "-k", "gevent"];
  expect(readOptions(gunicorn, {})).toEqual({ host: "0.0.0.0", port: 80, accessLog: true });
  expect(readOptions(["-port=8081", "-host", "127.0.0.1"], {})).toEqual({
    host: "127.0.0.1",
    port: 8081,
    accessLog: false,
  });
  expect(readOptions(["-b", ":81"], { PORT: "9" })).toMatchObject({ host: "0.0.0.0", port: 81 });
  expect(readOptions([], { PORT: "9" })).toMatchObject({ port: 9 });
});

test("what is wrong is said", () => {
  for (const [words, said] of [
    [["-b", "x:70000"], '"70000" is no port'],
    [["--bind"], "--bind needs a value"],
    [["--nonsense", "1"], "--nonsense is unknown"],
  ] as const)
    expect(readOptions(words, {})).toContain(said);
});

test("a line of the combined log, which what comes cannot break", () => {
  const at = new Date("2018-03-07T19:02:43Z");
  const asked = { peer: "127.0.0.6", at, requestLine: "GET /headers HTTP/1.1", status: 200, bytes: 321 };
  expect(logLine({ ...asked, referer: undefined, agent: "curl/7.35.0" })).toBe(
    '127.0.0.6 - - [07/Mar/2018:19:02:43 +0000] "GET /headers HTTP/1.1" 200 321 "-" "curl/7.35.0"\n',
  );
  expect(logLine({ ...asked, referer: 'a"b\n', agent: undefined })).toContain('"a?b?" "-"');
});
