/** Why connections ended, in the logs of listeners, requests and TCP proxies: the same lines in real Envoy and here. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@heddle/std/free-ports";
import { CLOSERS, type Closer, type CloserPorts, closingBootstrap } from "./rig/closing-config.ts";
import { ENGINES, type Engine, withoutEnvoy } from "./rig/engines.ts";
import { eventually } from "./rig/eventually.ts";
import { makeNamedCertificates } from "./rig/named-certificates.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { connectRaw, type RawClient } from "./rig/raw-client.ts";
import { secureTalk } from "./rig/secure-talk.ts";
import { talk } from "./rig/talk.ts";
import type { WorkloadFiles } from "./rig/workloads.ts";

const skip = withoutEnvoy();

type Port = (name: Closer) => number;

const get = (path: string, ...fields: string[]): string =>
  [`GET ${path} HTTP/1.1`, "host: a", ...fields, "", ""].join("\r\n");

describe.skipIf(skip)("ends of connections as real Envoy tells them", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-closing-"));
  const servers: Server[] = [];
  /** Requests that the server has and never answers. */
  const silent = new Set<string>();
  const proxies: Partial<Record<Engine, ProxyProcess>> = {};
  const ports: Partial<Record<Engine, CloserPorts>> = {};
  let files: Readonly<Record<"client" | "proxy", WorkloadFiles>>;
  const logOf = (engine: Engine): string => join(folder, `${engine}.log`);
  const serve = (server: Server): Promise<number> => {
    servers.push(server);
    return new Promise((resolve) =>
      server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)),
    );
  };

  beforeAll(async () => {
    files = makeNamedCertificates(folder, ["client", "proxy"]);
    const web = await serve(
      // An idle connection that just ends would race with the next request.
      createHttpServer({ keepAliveTimeout: 0 }, (incoming, answer) => {
        if (incoming.url?.startsWith("/silent") === true) return void silent.add(incoming.url);
        if (incoming.url === "/reset") incoming.socket.resetAndDestroy();
        else answer.end("fine");
      }),
    );
    const talker = await serve(
      createServer((socket) => {
        socket.on("error", () => undefined);
        socket.on("data", (chunk) => {
          const word = chunk.toString("latin1");
          if (word === "end") socket.end("bye");
          else if (word === "reset") socket.resetAndDestroy();
          else socket.write(chunk);
        });
      }),
    );
    const free = freePorts((CLOSERS.length + 1) * 2);
    await Promise.all(
      ENGINES.map(async (engine) => {
        const own = Object.fromEntries(CLOSERS.map((name) => [name, free.pop() ?? 0])) as CloserPorts;
        ports[engine] = own;
        writeFileSync(logOf(engine), "");
        proxies[engine] = await startProxy({
          engine,
          bootstrap: closingBootstrap({ ports: own, web, talker, files: files.proxy, log: logOf(engine) }),
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

  const said = async (engine: Engine, run: (port: Port) => Promise<unknown>, count: number) => {
    const before = readFileSync(logOf(engine), "utf8").length;
    await run((name) => ports[engine]?.[name] ?? 0).catch(() => undefined);
    return eventually(`${count} lines of ${engine}`, () => {
      const lines = readFileSync(logOf(engine), "utf8").slice(before).split("\n").slice(0, -1);
      // A proxy's line and its listener's come in any order.
      return lines.length >= count && lines.sort().map((line) => JSON.parse(line) as Record<string, unknown>);
    });
  };
  const own = () => ({
    cert: readFileSync(files.client.chain),
    key: readFileSync(files.client.key),
    ca: readFileSync(files.client.root),
  });

  const greeted = async (port: number): Promise<RawClient> => {
    const client = await connectRaw(port);
    client.send("hello");
    await client.until((heard) => heard === "hello");
    return client;
  };
  const asking = async (port: number, path: string): Promise<RawClient> => {
    const client = await connectRaw(port);
    client.send(get(path));
    return client;
  };
  const unanswered = async (port: number, name: string): Promise<RawClient> => {
    const path = `/silent/${port}/${name}`;
    const client = await asking(port, path);
    await eventually("the request is at the server", () => silent.has(path));
    return client;
  };
  const cases: readonly (readonly [name: string, run: (port: Port) => Promise<unknown>, lines: number])[] = [
    ["a TCP client that ends", async (port) => (await greeted(port("plain"))).close(), 2],
    ["a TCP client that breaks off", async (port) => (await greeted(port("plain"))).socket.resetAndDestroy(), 2],
    ["a TCP server that ends", (port) => talk({ port: port("plain"), send: "end" }), 2],
    ["a TCP server that breaks off", (port) => talk({ port: port("plain"), send: "reset" }), 2],
    ["idle_timeout", (port) => talk({ port: port("idle"), send: "x" }), 2],
    ["max_downstream_connection_duration", (port) => talk({ port: port("aged"), send: "x" }), 2],
    ["a host that refuses", (port) => talk({ port: port("dead"), send: "" }), 2],
    ["a cluster without hosts", (port) => talk({ port: port("empty"), send: "" }), 2],
    ["no such cluster", (port) => talk({ port: port("nowhere"), send: "" }), 2],
    ["a server without the TLS that it should have", (port) => talk({ port: port("badUpstream"), send: "" }), 2],
    ["network RBAC", (port) => talk({ port: port("denied"), send: "x" }), 2],
    ["network RBAC before HTTP", (port) => talk({ port: port("webDenied"), send: get("/") }), 1],
    [
      "connection_limit",
      async (port) => {
        const first = await greeted(port("limited"));
        await talk({ port: port("limited"), send: "x" });
        first.close();
      },
      4,
    ],
    [
      "local_ratelimit",
      async (port) => {
        await talk({ port: port("rated"), send: "end" });
        await talk({ port: port("rated"), send: "x" });
      },
      4,
    ],
    ["direct_response", (port) => talk({ port: port("direct"), send: "" }), 1],
    ["TLS: plain bytes", (port) => talk({ port: port("mutual"), send: "no hello\r\n" }), 2],
    ["TLS: no certificate", (port) => secureTalk({ port: port("mutual"), minVersion: "TLSv1.3" }, true), 2],
    ["TLS: an old version", (port) => secureTalk({ port: port("mutual"), ...own(), maxVersion: "TLSv1.2" }, true), 2],
    [
      "TLS: a client that is gone",
      async (port) => {
        const client = await connectRaw(port("mutual"));
        client.send("\x16\x03\x01");
        await Bun.sleep(100);
        client.close();
      },
      2,
    ],
    ["transport_socket_connect_timeout", (port) => talk({ port: port("slow"), send: "" }), 2],
    ["TLS: served", (port) => secureTalk({ port: port("mutual"), ...own() }, true), 2],
    [
      "TLS before HTTP: no certificate",
      (port) => secureTalk({ port: port("webMutual"), minVersion: "TLSv1.3" }, true),
      1,
    ],
    ["HTTP: connection: close", (port) => talk({ port: port("web"), send: get("/", "connection: close") }), 2],
    [
      "HTTP: a client that ends",
      async (port) => {
        const client = await asking(port("web"), "/");
        await client.until((heard) => heard.includes("fine"));
        client.close();
      },
      2,
    ],
    [
      "HTTP: a client that ends before its answer",
      async (port) => {
        (await unanswered(port("web"), "end")).close();
      },
      2,
    ],
    [
      "HTTP: a client that breaks off before its answer",
      async (port) => {
        (await unanswered(port("web"), "reset")).socket.resetAndDestroy();
      },
      2,
    ],
    [
      "HTTP: a server that breaks off",
      (port) => talk({ port: port("web"), send: get("/reset", "connection: close") }),
      2,
    ],
  ];

  const unread: readonly (readonly [name: string, bytes: string])[] = [
    ["no HTTP", "no head\r\n\r\n"],
    ["a field without a colon", get("/", "wrong")],
    ["an unknown coding", get("/", "transfer-encoding: gzip")],
    ["a head that is too large", get("/", `a: ${"b".repeat(70_000)}`)],
  ];

  test.each(unread)(
    "what is no request has a line: %s",
    async (_name, send) => {
      const [ours, envoy] = await Promise.all(
        ENGINES.map((engine) => said(engine, (port) => talk({ port: port("web"), send }), 2)),
      );
      expect(ours).toEqual(envoy as never);
      expect(ours?.[0]).toMatchObject({ RESPONSE_FLAGS: "DPE" });
    },
    60_000,
  );

  test.each(cases.map((item) => [item[0], item] as const))(
    "%s",
    async (_name, [, run, count]) => {
      const [ours, envoy] = await Promise.all(ENGINES.map((engine) => said(engine, run, count)));
      expect(ours).toEqual(envoy as never);
      expect(ours).toHaveLength(count);
    },
    60_000,
  );
});
