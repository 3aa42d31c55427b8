/** Lines of access logs before the end of requests and connections: the same lines in real Envoy and here. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@heddle/std/free-ports";
import { AccessLogType } from "@heddle/xds-api/envoy/data/accesslog/v3/accesslog";
import { ENGINES, type Engine, withoutEnvoy } from "./rig/engines.ts";
import { eventually } from "./rig/eventually.ts";
import { startLogService } from "./rig/log-service.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { connectRaw } from "./rig/raw-client.ts";
import { talk } from "./rig/talk.ts";
import { THERE, TIMED, type Timed, timingBootstrap } from "./rig/timing-config.ts";

const skip = withoutEnvoy();

type Line = Readonly<Record<string, unknown>>;
/** Long enough for two lines of an interval of 0.5 s, where none may come. Units: ms. */
const SLOW_MS = 1300;

/** What a client does at a port; `enough` waits until a line in between is written. */
type Conversation = (port: number, enough: () => Promise<unknown>) => Promise<unknown>;

const request = (path: string, ...fields: string[]): string =>
  [`GET ${path} HTTP/1.1`, "host: a", "connection: close", ...fields, "", ""].join("\r\n");
const UPGRADE = "GET /socket HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";

describe.skipIf(skip)("lines before the end as real Envoy writes them", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-log-timing-"));
  const servers: Server[] = [];
  /** What answers a request that waits, by its header `x-slow`. */
  const unanswered = new Map<string, () => void>();
  const proxies: Partial<Record<Engine, ProxyProcess>> = {};
  const services: Partial<Record<Engine, Awaited<ReturnType<typeof startLogService>>>> = {};
  const ports: Partial<Record<Engine, Readonly<Record<Timed, number>>>> = {};
  const logOf = (engine: Engine): string => join(folder, `${engine}.log`);
  const serve = (server: Server): Promise<number> => {
    servers.push(server);
    return new Promise((resolve) =>
      server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)),
    );
  };

  beforeAll(async () => {
    // Bytes that are no HTTP answer are a tunnel's.
    const web = await serve(
      createServer((socket) => {
        socket.on("error", () => undefined);
        let open = false;
        socket.on("data", (chunk) => {
          const text = chunk.toString("latin1");
          const head = "x-origin: a\r\n";
          if (open) socket.end(chunk);
          else if (text.includes("/socket")) {
            open = true;
            socket.write(
              `HTTP/1.1 101 Switching Protocols\r\n${head}connection: upgrade\r\nupgrade: websocket\r\n\r\n`,
            );
          } else {
            const answer = () => void socket.write(`HTTP/1.1 200 OK\r\n${head}content-length: 4\r\n\r\nfine`);
            const slow = /^x-slow: (.*)\r$/m.exec(text)?.[1];
            if (slow === undefined) answer();
            else unanswered.set(slow, answer);
          }
        });
      }),
    );
    const echo = await serve(
      createServer((socket) => {
        socket.on("error", () => undefined);
        socket.on("data", (chunk) => void socket.write(chunk));
      }),
    );
    const free = freePorts((TIMED.length + 1) * 2);
    await Promise.all(
      ENGINES.map(async (engine) => {
        const own = Object.fromEntries(TIMED.map((name) => [name, free.pop() ?? 0])) as Record<Timed, number>;
        ports[engine] = own;
        writeFileSync(logOf(engine), "");
        const service = await startLogService();
        services[engine] = service;
        proxies[engine] = await startProxy({
          engine,
          bootstrap: timingBootstrap({ ports: own, web, echo, logs: service.port, log: logOf(engine) }),
          adminPort: free.pop() ?? 0,
          args: engine === "envoy" ? ["--file-flush-interval-msec", "50"] : [],
        });
      }),
    );
  }, 40_000);

  afterAll(async () => {
    await Promise.all(Object.values(proxies).map((proxy) => proxy.stop()));
    for (const service of Object.values(services)) service.close();
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Lines that an engine has written since. */
  const since = (engine: Engine, before: number): Record<string, unknown>[] =>
    readFileSync(logOf(engine), "utf8")
      .slice(before)
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const isPeriodic = (line: Line): boolean => String(line["ACCESS_LOG_TYPE"]).endsWith("Periodic");
  /** Lines of one conversation; how often an interval passes on a busy machine is its own: the one that was waited for stands for all. */
  const lines = async (engine: Engine, name: Timed, run: Conversation): Promise<Line[]> => {
    const before = readFileSync(logOf(engine), "utf8").length;
    let chosen = -1;
    const periodic = async () => {
      const already = since(engine, before).length;
      // The first may be of before, and have been on its way to the file.
      chosen = await eventually(`lines of ${name} at ${engine} in between`, () => {
        const fresh = since(engine, before).flatMap((line, i) => (i >= already && isPeriodic(line) ? [i] : []));
        return fresh[1];
      });
    };
    await run(ports[engine]?.[name] ?? 0, periodic);
    const found = await eventually(`the last line of ${name} at ${engine}`, () => {
      const all = since(engine, before);
      return String(all.at(-1)?.["ACCESS_LOG_TYPE"]).endsWith("End") && all;
    });
    for (const line of found) for (const key of THERE) line[key] = line[key] !== null;
    return found.filter((line, i) => chosen < 0 || i === chosen || !isPeriodic(line));
  };
  /** `compared`: without the last line where it is false. */
  const both = async (name: Timed, run: Conversation, compared = true): Promise<readonly unknown[]> => {
    const [ours = [], envoy = []] = await Promise.all(ENGINES.map((engine) => lines(engine, name, run)));
    expect(ours.slice(0, compared ? undefined : -1)).toEqual(envoy.slice(0, compared ? undefined : -1));
    return ours.map((line) => line["ACCESS_LOG_TYPE"]);
  };
  const waits = () => Bun.sleep(SLOW_MS);
  const held: Conversation = async (port, enough) => {
    const client = await connectRaw(port);
    client.send("hello");
    await client.until((heard) => heard === "hello");
    await enough();
    client.close();
  };
  /** A request that is answered after a while. */
  const slow: Conversation = async (port, enough) => {
    const id = String(port);
    const answer = talk({ port, send: request("/slow", `x-slow: ${id}`) });
    await eventually("the request is at the server", () => unanswered.has(id));
    await enough();
    unanswered.get(id)?.();
    unanswered.delete(id);
    await answer;
  };

  test("a slow request: when it begins, while it lasts, when it is over", async () => {
    expect(await both("web", slow)).toEqual(["DownstreamStart", "DownstreamPeriodic", "DownstreamEnd"]);
  }, 60_000);

  test("a quick request has no line in between", async () => {
    expect(await both("webCalm", (port) => talk({ port, send: request("/") }))).toEqual([
      "DownstreamStart",
      "DownstreamEnd",
    ]);
  }, 60_000);

  test("the older fields of the connection manager", async () => {
    expect(await both("webOld", slow)).toEqual(["DownstreamStart", "DownstreamPeriodic", "DownstreamEnd"]);
  }, 60_000);

  test("a tunnel: when it is open, while it lasts", async () => {
    // Envoy takes the end of a tunnel for a failure.
    const talked: Conversation = async (port, enough) => {
      const client = await connectRaw(port);
      client.send(UPGRADE);
      await client.until((heard) => heard.includes("\r\n\r\n"));
      await enough();
      client.send("bye");
      await client.ended();
      client.close();
    };
    expect(await both("web", talked, false)).toEqual([
      "DownstreamStart",
      "DownstreamTunnelSuccessfullyEstablished",
      "DownstreamPeriodic",
      "DownstreamEnd",
    ]);
  }, 60_000);

  test("log_type_filter chooses among them", async () => {
    expect(await both("webFiltered", slow)).toEqual(["DownstreamPeriodic", "DownstreamEnd"]);
  }, 60_000);

  test("one line where nothing else is configured", async () => {
    expect(await both("webEnd", (port) => slow(port, waits))).toEqual(["DownstreamEnd"]);
    expect(await both("tcpEnd", (port) => held(port, waits))).toEqual(["TcpConnectionEnd"]);
  }, 60_000);

  test("a TCP connection: accepted, connected, while it lasts, over", async () => {
    expect(await both("tcp", held)).toEqual([
      "TcpConnectionStart",
      "TcpUpstreamConnected",
      "TcpPeriodic",
      "TcpConnectionEnd",
    ]);
  }, 60_000);

  test("the older fields of the TCP proxy", async () => {
    expect(await both("tcpOld", held)).toEqual(["TcpUpstreamConnected", "TcpPeriodic", "TcpConnectionEnd"]);
  }, 60_000);

  test("a TCP connection without an upstream was never connected", async () => {
    const types = await both("tcpDead", (port) => talk({ port, send: "" }));
    expect(types).toEqual(["TcpConnectionStart", "TcpConnectionEnd"]);
  }, 60_000);

  test("access log services are told which entry it is", async () => {
    const seen = (engine: Engine) => {
      const types = new Set<string>();
      for (const { logEntries } of services[engine]?.messages ?? [])
        for (const { commonProperties: common } of logEntries.value?.logEntry ?? [])
          types.add(`${AccessLogType[common?.accessLogType ?? 0]} ${common?.intermediateLogEntry}`);
      return [...types].sort();
    };
    await eventually("all entries", () => seen("heddle").length === 8 && seen("envoy").length === 8).catch(
      () => undefined,
    );
    expect(seen("heddle")).toEqual(seen("envoy"));
    expect(seen("heddle")).toHaveLength(8);
  }, 60_000);
});
