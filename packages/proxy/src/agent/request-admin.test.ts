import { expect, test } from "bun:test";
import { readAdminRequest, requestAdmin } from "./request-admin.ts";

const flags = (given: Readonly<Record<string, string>>) => (name?: string) => given[name ?? ""];

test("words are pilot-agent's", () => {
  const asked = { method: "GET", url: "http://127.0.0.1:15000/stats?filter=a", body: undefined };
  for (const path of ["stats?filter=a", "/stats?filter=a"])
    expect(readAdminRequest(["get", path], flags({}))).toEqual(asked);
  const port = ["--debug-port", "15020"];
  expect(readAdminRequest([...port, "POST", "quitquitquit", "x"], flags({ "--debug-port": "15020" }))).toEqual({
    method: "POST",
    url: "http://127.0.0.1:15020/quitquitquit",
    body: "x",
  });
});

test("what is wrong is said, with the usage", () => {
  const port = flags({ "--debug-port": "22" });
  for (const [words, given, wrong] of [
    [["GET"], flags({}), "a path"],
    [[], flags({}), "a method"],
    [["--debug-port=22", "GET", "stats"], port, '"22" is none of 15000, 15020, 15021'],
    [["G:T", "stats"], flags({}), "no method"],
  ] as const) {
    const said = readAdminRequest(words, given);
    expect(said).toContain(wrong);
    expect(said).toContain("usage: heddle proxy request");
  }
});

test("the answer is handed on byte by byte; a refusal and a closed port are told", async () => {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) =>
      request.method === "POST" ? new Response(await request.text(), { status: 403 }) : new Response("a: 1\n"),
  });
  const printed: string[] = [];
  const ask = (method: string, body?: string) =>
    requestAdmin({ method, url: `http://127.0.0.1:${server.port}/stats`, body }, (bytes) =>
      printed.push(new TextDecoder().decode(bytes)),
    );
  expect(await ask("GET")).toBeUndefined();
  expect(await ask("POST", "no")).toContain("answered 403: no");
  await server.stop(true);
  expect(await ask("GET")).toContain("has its proxy started?");
  expect(printed).toEqual(["a: 1\n"]);
});
