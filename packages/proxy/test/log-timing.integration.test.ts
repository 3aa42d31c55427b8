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
/** Long enough for two lines of an interval of 0.5 s. Units: ms. */
const SLOW_MS = 1300;

const request = (path: string, ...fields: string[]): string =>
  [`GET ${path} HTTP/1.1`, "host: a", "connection: close", ...fields, "", ""].join("\r\n");
const UPGRADE = "GET /socket HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";

describe.skipIf(skip)("lines before the end as real Envoy writes them", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-log-timing-"));
  const servers: Server[] = [];
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
          } else
            setTimeout(
              () => socket.write(`HTTP/1.1 200 OK\r\n${head}content-length: 4\r\n\r\nfine`),
              text.includes("/slow") ? SLOW_MS : 0,
            );
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

  /** Lines of one conversation; how often an interval passes on a busy machine is its own. */
  const lines = async (engine: Engine, name: Timed, run: (port: number) => Promise<unknown>): Promise<Line[]> => {
    const before = readFileSync(logOf(engine), "utf8").length;
    await run(ports[engine]?.[name] ?? 0);
    const found = await eventually(
      `the last line of ${name} at ${engine}`,
      () => {
        const all = readFileSync(logOf(engine), "utf8")
          .slice(before)
          .split("\n")
          .slice(0, -1)
          .map((line) => JSON.parse(line) as Record<string, unknown>);
        return String(all.at(-1)?.["ACCESS_LOG_TYPE"]).endsWith("End") && all;
      },
      10_000,
    );
    for (const line of found) for (const key of THERE) line[key] = line[key] !== null;
    return found.filter((line, i) => JSON.stringify(line) !== JSON.stringify(found[i - 1]));
  };
  /** `compared`: without the last line where it is false. */
  const both = async (
    name: Timed,
    run: (port: number) => Promise<unknown>,
    compared = true,
  ): Promise<readonly unknown[]> => {
    const [ours = [], envoy = []] = await Promise.all(ENGINES.map((engine) => lines(engine, name, run)));
    expect(ours.slice(0, compared ? undefined : -1)).toEqual(envoy.slice(0, compared ? undefined : -1));
    return ours.map((line) => line["ACCESS_LOG_TYPE"]);
  };
  const held = async (port: number) => {
    const client = await connectRaw(port);
    client.send("hello");
    await client.until((heard) => heard === "hello");
    await Bun.sleep(SLOW_MS);
    client.close();
  };

  test("a slow request: when it begins, while it lasts, when it is over", async () => {
    const types = await both("web", (port) => talk({ port, send: request("/slow") }));
    expect(types).toEqual(["DownstreamStart", "DownstreamPeriodic", "DownstreamEnd"]);
  }, 20_000);

  test("a quick request has no line in between", async () => {
    expect(await both("web", (port) => talk({ port, send: request("/") }))).toEqual([
      "DownstreamStart",
      "DownstreamEnd",
    ]);
  }, 20_000);

  test("the older fields of the connection manager", async () => {
    const types = await both("webOld", (port) => talk({ port, send: request("/slow") }));
    expect(types).toEqual(["DownstreamStart", "DownstreamPeriodic", "DownstreamEnd"]);
  }, 20_000);

  test("a tunnel: when it is open, while it lasts", async () => {
    // Envoy takes the end of a tunnel for a failure.
    const talked = async (port: number) => {
      const client = await connectRaw(port);
      client.send(UPGRADE);
      await client.until((heard) => heard.includes("\r\n\r\n"));
      await Bun.sleep(SLOW_MS);
      client.send("bye");
      await client.ended();
      client.close();
    };
    const types = await both("web", talked, false);
    expect(types).toEqual([
      "DownstreamStart",
      "DownstreamTunnelSuccessfullyEstablished",
      "DownstreamPeriodic",
      "DownstreamEnd",
    ]);
  }, 20_000);

  test("log_type_filter chooses among them", async () => {
    const types = await both("webFiltered", (port) => talk({ port, send: request("/slow") }));
    expect(types).toEqual(["DownstreamPeriodic", "DownstreamEnd"]);
  }, 20_000);

  test("one line where nothing else is configured", async () => {
    expect(await both("webEnd", (port) => talk({ port, send: request("/slow") }))).toEqual(["DownstreamEnd"]);
    expect(await both("tcpEnd", held)).toEqual(["TcpConnectionEnd"]);
  }, 20_000);

  test("a TCP connection: accepted, connected, while it lasts, over", async () => {
    expect(await both("tcp", held)).toEqual([
      "TcpConnectionStart",
      "TcpUpstreamConnected",
      "TcpPeriodic",
      "TcpConnectionEnd",
    ]);
  }, 20_000);

  test("the older fields of the TCP proxy", async () => {
    expect(await both("tcpOld", held)).toEqual(["TcpUpstreamConnected", "TcpPeriodic", "TcpConnectionEnd"]);
  }, 20_000);

  test("a TCP connection without an upstream was never connected", async () => {
    const types = await both("tcpDead", (port) => talk({ port, send: "" }));
    expect(types).toEqual(["TcpConnectionStart", "TcpConnectionEnd"]);
  }, 20_000);

  test("access log services are told which entry it is", async () => {
    const seen = (engine: Engine) => {
      const types = new Set<string>();
      for (const { logEntries } of services[engine]?.messages ?? [])
        for (const { commonProperties: common } of logEntries.value?.logEntry ?? [])
          types.add(`${AccessLogType[common?.accessLogType ?? 0]} ${common?.intermediateLogEntry}`);
      return [...types].sort();
    };
    await eventually("all entries", () => seen("heddle").length === 8 && seen("envoy").length === 8, 10_000).catch(
      () => undefined,
    );
    expect(seen("heddle")).toEqual(seen("envoy"));
    expect(seen("heddle")).toHaveLength(8);
  }, 20_000);
});
