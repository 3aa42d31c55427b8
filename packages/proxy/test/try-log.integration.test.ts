/** Lines of logs for each try of a request at its upstream: the same in real Envoy and here. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@heddle/std/free-ports";
import { ENGINES, type Engine, withoutEnvoy } from "./rig/engines.ts";
import { eventually } from "./rig/eventually.ts";
import { type Origin, startOrigin } from "./rig/origin.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { connectRaw } from "./rig/raw-client.ts";
import { THERE, TRIED, type Tried, tryLogBootstrap } from "./rig/try-log-config.ts";

const skip = withoutEnvoy();
type Line = Readonly<Record<string, unknown>>;

describe.skipIf(skip)("lines of tries as real Envoy writes them", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-try-log-"));
  const logOf = (engine: Engine): string => join(folder, `${engine}.log`);
  const proxies: Partial<Record<Engine, ProxyProcess>> = {};
  const ports: Partial<Record<Engine, Readonly<Record<Tried, number>>>> = {};
  const origins: Origin[] = [];

  beforeAll(async () => {
    const free = freePorts((TRIED.length + 1) * 2);
    for (const engine of ENGINES) {
      let asked = 0;
      const origin = await startOrigin(({ target, socket }) => {
        const head = "x-origin: a\r\n";
        if (target.includes("hang") || target.includes("late")) return;
        if (target.includes("reset")) socket.destroy();
        else if (target.includes("there") && asked++ % 3 < 2)
          socket.write(`HTTP/1.1 503 Text\r\n${head}content-length: 3\r\n\r\nbad`);
        else if (target.includes("slow"))
          setTimeout(() => socket.write(`HTTP/1.1 200 OK\r\n${head}content-length: 2\r\n\r\nok`), 1300);
        else
          socket.write(`HTTP/1.1 200 OK\r\n${head}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-last: z\r\n\r\n`);
      });
      origins.push(origin);
      const own = Object.fromEntries(TRIED.map((name) => [name, free.pop() ?? 0])) as Record<Tried, number>;
      ports[engine] = own;
      writeFileSync(logOf(engine), "");
      proxies[engine] = await startProxy({
        engine,
        bootstrap: tryLogBootstrap({ ports: own, origin: origin.port, log: logOf(engine) }),
        adminPort: free.pop() ?? 0,
        args: engine === "envoy" ? ["--file-flush-interval-msec", "50"] : [],
      });
    }
  }, 40_000);

  afterAll(async () => {
    await Promise.all(Object.values(proxies).map((proxy) => proxy.stop()));
    for (const origin of origins) origin.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** All lines of one request; a try's may stand before or behind the request's. */
  const lines = async (engine: Engine, at: Tried, send: string): Promise<Line[]> => {
    const before = readFileSync(logOf(engine), "utf8").length;
    const client = await connectRaw(ports[engine]?.[at] ?? 0);
    client.send(send);
    await client.until((heard) => /\r\n\r\n/.test(heard) && !/^HTTP.1.1 1/.test(heard));
    const all = () =>
      readFileSync(logOf(engine), "utf8")
        .slice(before)
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const ends = (found: readonly Line[]) => found.filter((line) => line["ACCESS_LOG_TYPE"] === "UpstreamEnd").length;
    const found = await eventually(
      `the lines of ${send.slice(0, 30)} at ${engine}`,
      () => {
        const got = all();
        const end = got.find((line) => line["ACCESS_LOG_TYPE"] === "DownstreamEnd");
        const tries = Number(end?.["UPSTREAM_REQUEST_ATTEMPT_COUNT"] ?? 0);
        const without = String(end?.["RESPONSE_FLAGS"]) === "UH" ? 1 : 0;
        return end !== undefined && ends(got) >= tries - without && got;
      },
      10_000,
    );
    client.close();
    for (const line of found) for (const key of THERE) line[key] = line[key] !== null;
    return found
      .map((line) => ({ line, text: JSON.stringify(line) }))
      .sort((a, b) => order(a.line).localeCompare(order(b.line)))
      .filter(({ text }, i, sorted) => text !== sorted[i - 1]?.text)
      .map(({ line }) => line);
  };
  const order = (line: Line): string => `${line["UPSTREAM_REQUEST_ATTEMPT_COUNT"]} ${line["ACCESS_LOG_TYPE"]}`;
  const both = async (at: Tried, send: string): Promise<readonly Line[]> => {
    const [ours = [], theirs = []] = await Promise.all(ENGINES.map((engine) => lines(engine, at, send)));
    expect(ours).toEqual(theirs);
    return ours;
  };
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`;

  test.each([
    "/good",
    "/flaky",
    "/dead",
    "/hang",
    "/late",
    "/reset",
    "/full",
    "/empty",
    "/direct",
  ])("%s: one line for each try", async (path) => {
    const found = await both("end", get(path));
    expect(found.length).toBeGreaterThan(0);
  }, 30_000);

  test("bodies count in both directions", async () => {
    await both("end", "POST /good HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello");
  }, 20_000);

  test("when there is a connection, while it lasts, at its end", async () => {
    const found = await both("early", get("/slow"));
    expect(found.map((line) => line["ACCESS_LOG_TYPE"])).toEqual([
      "UpstreamEnd",
      "UpstreamPeriodic",
      "UpstreamPoolReady",
      "DownstreamEnd",
    ]);
  }, 20_000);
});
