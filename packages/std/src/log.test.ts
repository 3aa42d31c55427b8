import { describe, expect, test } from "bun:test";
import { createLogger, type LogLevel, parseLogLevel } from "./log.ts";
import { createLineSink } from "./log-format.ts";
import { createSecret, errorText, redact, redactText } from "./secret.ts";

function logger(format: "text" | "json", level: LogLevel = "info") {
  const lines: string[] = [];
  const sink = createLineSink(format, (line) => lines.push(line));
  return { lines, log: createLogger({ clock: { now: () => 0 }, sink, level }) };
}

describe("log", () => {
  test("text", () => {
    const { lines, log } = logger("text");
    log.child("proxy").child("admin", { port: 15_000 }).info("listening", { path: "/a b", none: undefined });
    expect(lines).toEqual(['1970-01-01T00:00:00.000Z\tinfo\tproxy.admin\tlistening port=15000 path="/a b"\n']);
  });

  test("json", () => {
    const { lines, log } = logger("json");
    log.error("failed", { error: new Error("outer", { cause: new Error("inner") }) });
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      time: "1970-01-01T00:00:00.000Z",
      level: "error",
      msg: "failed",
      error: "outer: inner",
    });
  });

  test("a foreign text cannot forge a line", () => {
    const { lines, log } = logger("text");
    log.warn("bad\nINFO forged", { header: "a\r\nb" });
    expect(lines.join("").split("\n").length).toBe(2);
  });

  test("levels by scope, changed while running", () => {
    const { lines, log } = logger("text");
    const pool = log.child("proxy.pool");
    pool.debug("hidden");
    log.setLevel("debug", "proxy");
    pool.debug("shown");
    log.debug("hidden");
    log.setLevel("off");
    pool.error("hidden");
    expect(lines.map((l) => l.split("\t")[3])).toEqual(["shown\n"]);
    expect(parseLogLevel("Warning")).toBe("warn");
    expect(parseLogLevel("loud")).toBeUndefined();
  });
});

describe("secrets", () => {
  test("never reach a sink, by name, by shape or by wrapper", () => {
    const { lines, log } = logger("json");
    const jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl";
    const pem = "-----BEGIN EC PRIVATE KEY-----\nTOPSECRET\n-----END EC PRIVATE KEY-----";
    log.info(`got ${jwt}`, {
      authorization: "plain",
      bootstrapToken: "plain",
      nested: { list: [pem, createSecret("plain")], note: "Bearer abcdefghijkl" },
    });
    const line = lines.join("");
    for (const secret of ["plain", "TOPSECRET", "eyJ", "abcdefghijkl"]) expect(line).not.toContain(secret);
    expect(line.match(/\[redacted\]/g)?.length).toBe(6);
  });

  test("ordinary names stay readable", () => {
    expect(redact({ keys: "a", monkey: "b", tokenCount: 3, route: "x" })).toEqual({
      keys: "a",
      monkey: "b",
      tokenCount: 3,
      route: "x",
    });
    expect(redactText("basic training")).toBe("[redacted]");
    expect(String(createSecret("x")) + JSON.stringify(createSecret("x"))).toBe('[redacted]"[redacted]"');
    expect(createSecret("x").reveal()).toBe("x");
    expect(errorText("plain")).toBe("plain");
  });
});
