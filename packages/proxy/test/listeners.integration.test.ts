/** The edge of the proxy as real Envoy has it: which chain serves a connection, headers of load balancers and old clients, limits, TLS versions. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, createServer as createTlsServer } from "node:tls";
import { freePorts } from "@heddle/std/free-ports";
import { ENGINES, type Engine, withoutEnvoy } from "./rig/engines.ts";
import { eventually } from "./rig/eventually.ts";
import { foreignCertificate } from "./rig/foreign-certificate.ts";
import { listenerCases } from "./rig/listeners-cases.ts";
import {
  LISTENERS,
  type ListenerName,
  type ListenerPorts,
  listenersBootstrap,
  NAMED_CHAINS,
  type NamedChain,
} from "./rig/listeners-config.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { connectRaw } from "./rig/raw-client.ts";
import { clientHello, secureTalk } from "./rig/secure-talk.ts";
import { talk } from "./rig/talk.ts";

const skip = withoutEnvoy();

const ARGS = ["--service-cluster", "edge-cluster", "--service-node", "edge-node"];

/** Headers that each proxy writes in its own words. */
const OWN = /"(x-request-id|x-envoy-expected-rq-timeout-ms)":"[^"]*",?/g;

describe.skipIf(skip)("listeners as real Envoy has them", () => {
  const servers: Server[] = [];
  const proxies: Partial<Record<Engine, ProxyProcess>> = {};
  const ports: Partial<Record<Engine, ListenerPorts>> = {};
  let echoPort = 0;
  const folder = mkdtempSync(join(tmpdir(), "heddle-listeners-test-"));
  const logOf = (engine: Engine): string => join(folder, `${engine}.log`);

  const serve = (server: Server): Promise<number> => {
    servers.push(server);
    return new Promise((resolve) =>
      server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)),
    );
  };
  const portOf = (engine: Engine, name: ListenerName): number => ports[engine]?.[name] ?? 0;
  /** The same of both; `take` gives what is compared. */
  const both = async <T>(take: (engine: Engine) => Promise<T>): Promise<T> => {
    const [ours, envoy] = await Promise.all(ENGINES.map((engine) => take(engine)));
    expect(ours as unknown).toEqual(envoy as unknown);
    return ours as T;
  };
  const stats = async (engine: Engine, filter: string): Promise<string> => {
    const page = await (await proxies[engine]?.admin(`/stats?filter=${encodeURIComponent(filter)}`))?.text();
    return (page ?? "").trim();
  };

  beforeAll(async () => {
    const web = await serve(
      // An idle connection that just ends would race with the next request.
      createHttpServer({ keepAliveTimeout: 0 }, (incoming, answer) => {
        const seen = Object.entries(incoming.headers).sort(([a], [b]) => a.localeCompare(b));
        // Without a length: chunks, where the client knows them.
        if (incoming.url === "/pieces") answer.flushHeaders();
        if (incoming.url === "/served") answer.setHeader("server", "app");
        answer.end(JSON.stringify({ url: incoming.url, ...Object.fromEntries(seen) }));
      }),
    );
    echoPort = await serve(
      createServer((socket) => {
        socket.on("error", () => undefined);
        socket.on("data", (chunk) => void socket.write(chunk));
      }),
    );
    const certificate = await foreignCertificate();
    const secure = (text: string) =>
      serve(
        createTlsServer({ cert: certificate.cert, key: certificate.key }, (socket) => {
          socket.on("error", () => undefined);
          socket.end(text);
        }),
      );
    const names = { "one.sni.test": await secure("one"), "two.sni.test": await secure("two") };
    const talkers = Object.fromEntries(
      await Promise.all(
        Object.keys(NAMED_CHAINS).map(async (name) => {
          const server = createServer((socket) => {
            socket.on("error", () => undefined);
            socket.resume();
            socket.write(name);
          });
          return [name, await serve(server)] as const;
        }),
      ),
    ) as Record<NamedChain, number>;
    const free = freePorts((LISTENERS.length + 1) * 2);
    await Promise.all(
      ENGINES.map(async (engine) => {
        const own = Object.fromEntries(LISTENERS.map((name) => [name, free.pop() ?? 0])) as ListenerPorts;
        ports[engine] = own;
        const log = logOf(engine);
        writeFileSync(log, "");
        const bootstrap = listenersBootstrap({
          ports: own,
          web,
          echo: echoPort,
          secure: names,
          talkers,
          certificate,
          log,
        });
        const args = engine === "envoy" ? [...ARGS, "--file-flush-interval-msec", "100"] : ARGS;
        proxies[engine] = await startProxy({ engine, bootstrap, adminPort: free.pop() ?? 0, args });
      }),
    );
  }, 40_000);

  afterAll(async () => {
    await Promise.all(Object.values(proxies).map((proxy) => proxy.stop()));
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(listenerCases.map((item) => [item.name, item] as const))(
    "%s",
    async (_name, item) => {
      const text = await both(async (engine) => {
        const heard = await talk({
          port: portOf(engine, item.to),
          ...(item.at === undefined ? {} : { to: item.at }),
          ...(item.from === undefined ? {} : { from: item.from }),
          send: item.send,
        });
        return wordsOf(heard.text);
      });
      if (item.gets === "") expect(text).toBe("");
      else expect(text).toContain(item.gets);
      if (item.not !== undefined) expect(text).not.toContain(item.not);
    },
    30_000,
  );

  test("answers have one date, and it is now", async () => {
    for (const engine of ENGINES) {
      const { text } = await talk({
        port: portOf(engine, "reject"),
        send: "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\na_b: 1\r\n\r\n",
      });
      const dates = [...text.matchAll(/^date: (.*)\r$/gim)].map((found) => found[1] ?? "");
      expect(dates).toHaveLength(1);
      const date = new Date(dates[0] ?? "");
      expect(dates[0]).toBe(date.toUTCString());
      expect(Math.abs(date.getTime() - Date.now())).toBeLessThan(60_000);
    }
  });

  test("connection_limit: one connection, the next is closed, and after it there is room", async () => {
    const counted = await both(async (engine) => {
      const port = portOf(engine, "limited");
      const first = await connectRaw(port);
      first.send("one");
      await first.until((received) => received === "one");
      expect((await talk({ port, send: "" })).text).toBe("");
      const counted = await stats(engine, "limited_connections");
      first.close();
      await eventually("room", async () => {
        const again = await talk({ port, send: "again", until: (received) => received === "again" });
        return again.text === "again";
      });
      return counted;
    });
    expect(counted).toBe("connection_limit.narrow.limited_connections: 1");
  }, 30_000);

  test("tcp_proxy idle_timeout ends a quiet connection", async () => {
    const counted = await both(async (engine) => {
      const heard = await talk({ port: portOf(engine, "idle"), send: "quiet" });
      expect(heard.text).toBe("quiet");
      return await stats(engine, "^tcp.idle.idle_timeout$");
    });
    expect(counted).toBe("tcp.idle.idle_timeout: 1");
  }, 30_000);

  test("network RBAC: shadow rules count and refuse nothing", async () => {
    const counted = await both(async (engine) => {
      for (const from of ["127.0.0.1", "127.0.0.6"]) {
        const heard = await talk({
          port: portOf(engine, "shadow"),
          from,
          send: "in",
          until: (received) => received === "in",
        });
        expect(heard.text).toBe("in");
      }
      return await stats(engine, "^gate.*rbac.shadow_(allowed|denied)$");
    });
    expect(counted).toContain("shadow_allowed: 1");
    expect(counted).toContain("shadow_denied: 1");
  }, 30_000);

  test("network RBAC behind a balancer: source_ip is the client's, direct_remote_ip the balancer's", async () => {
    const said = await both(async (engine) =>
      Promise.all(
        (["source", "direct"] as const).map(async (name) => {
          const heard = await talk({
            port: portOf(engine, name),
            send: "PROXY TCP4 10.1.2.3 10.8.1.1 999 80\r\nin",
            until: (received) => received === "in",
          });
          return heard.text;
        }),
      ),
    );
    expect(said).toEqual(["in", ""]);
  }, 30_000);

  test("network local_ratelimit: the second connection is closed", async () => {
    const counted = await both(async (engine) => {
      const port = portOf(engine, "rated");
      const first = await talk({ port, send: "in", until: (received) => received === "in" });
      expect([first.text, (await talk({ port, send: "" })).text]).toEqual(["in", ""]);
      return await stats(engine, "rate_limited$");
    });
    expect(counted).toBe("local_rate_limit.slow.rate_limited: 1");
  }, 30_000);

  test("sni_cluster: the name in the ClientHello is the cluster", async () => {
    const said = await both(async (engine) => {
      const port = portOf(engine, "sni");
      return [
        await secureTalk({ port, servername: "two.sni.test" }),
        await secureTalk({ port, servername: "one.sni.test" }),
        await secureTalk({ port, servername: "none.sni.test" }),
      ].map((heard) => heard.text);
    });
    expect(said).toEqual(["two", "one", ""]);
  }, 30_000);

  test("tls_minimum_protocol_version", async () => {
    const said = await both(async (engine) => {
      const port = portOf(engine, "tls13");
      return [await secureTalk({ port }), await secureTalk({ port, maxVersion: "TLSv1.2" })];
    });
    expect(said.map(({ text, version }) => [text, version])).toEqual([
      ["secure", "TLSv1.3"],
      ["", ""],
    ]);
  }, 30_000);

  test("direct_response behind TLS: the client is told; Envoy mostly closes without a byte", async () => {
    const [ours, envoy] = await Promise.all(
      ENGINES.map(async (engine) => secureTalk({ port: portOf(engine, "sealedWord") }, false)),
    );
    expect([ours?.text, ours?.version]).toEqual(["word", "TLSv1.3"]);
    expect(["", "word"]).toContain(envoy?.text ?? "no answer");
  }, 30_000);

  test("a ClientHello in one piece with its PROXY header is answered", async () => {
    const hello = await clientHello({ ALPNProtocols: ["h2"] });
    const send = Buffer.concat([Buffer.from("PROXY TCP4 10.1.2.3 10.8.1.1 999 443\r\n"), hello]);
    const said = await both(async (engine) => {
      const heard = await talk({ port: portOf(engine, "sealed"), send, until: (received) => received.length > 5 });
      return heard.text.charCodeAt(0);
    });
    expect(said).toBe(HANDSHAKE_RECORD);
  }, 30_000);

  test.each([
    ["a server name", { servername: "one.sni.test" }, "exact"],
    ["a server name, whatever it offers", { servername: "one.sni.test", ALPNProtocols: ["h2"] }, "exact"],
    ["a wildcard", { servername: "a.b.sni.test" }, "wild"],
    ["a wildcard and ALPN", { servername: "two.sni.test", ALPNProtocols: ["http/1.1", "h2"] }, "wild-h2"],
    ["a wildcard, ALPN that nobody asks for", { servername: "two.sni.test", ALPNProtocols: ["x"] }, "wild"],
    ["a wildcard is no name of itself", { servername: "sni.test" }, "tls"],
    ["ALPN without a name", { ALPNProtocols: ["h2"] }, "any-h2"],
    ["TLS alone", {}, "tls"],
    ["HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "http-1.0"],
    ["HTTP/1.1", "GET / HTTP/1.1\r\nhost: a\r\n\r\n", "http-1.1"],
    ["HTTP/2 by its preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "h2c"],
    ["bytes that are neither", "\x01\x02\x03 something else\r\n", "plain"],
  ] as const)(
    "filter chain by %s",
    async (_name, sent, wanted) => {
      const send = typeof sent === "string" ? sent : await clientHello(sent);
      const known = Object.keys(NAMED_CHAINS);
      const said = await both(async (engine) => {
        const { text } = await talk({ port: portOf(engine, "named"), send, until: (heard) => known.includes(heard) });
        return text;
      });
      expect(said).toBe(wanted);
    },
    30_000,
  );

  test("x-request-id: made, kept, replaced, and told in the answer", async () => {
    const kinds = await both(async (engine) => {
      const seen: string[] = [];
      for (const [to, first] of [
        ["edge", "PROXY TCP4 203.0.113.50 203.0.113.80 4000 80\r\n"],
        ["kept", "PROXY TCP4 203.0.113.50 203.0.113.80 4000 80\r\n"],
        ["inner", "PROXY TCP4 203.0.113.50 203.0.113.80 4000 80\r\n"],
        ["allow", ""],
      ] as const)
        for (const field of ["", "x-request-id: mine\r\n"]) {
          const send = `${first}GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n${field}\r\n`;
          const { text } = await talk({ port: portOf(engine, to), send });
          const kind = (id: string | undefined) => (id === undefined || id === "mine" ? id : /^[\da-f-]{36}$/.test(id));
          const [arrived, told] = [/"x-request-id":"([^"]*)"/, /^x-request-id: (.*)\r$/im].map(
            (p) => p.exec(text)?.[1],
          );
          seen.push(`${to} ${kind(arrived)} ${kind(told)}`);
        }
      return seen;
    });
    expect(kinds).toContain("edge true undefined");
    expect(kinds).toContain("kept mine mine");
    expect(kinds).toContain("inner mine undefined");
  }, 30_000);

  test("server header: its own, the application's, or the application's where there is one", async () => {
    const names = await both(async (engine) => {
      const seen: string[] = [];
      for (const to of ["allow", "added", "passed"] as const)
        for (const path of ["/", "/served"]) {
          const send = `GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`;
          const { text } = await talk({ port: portOf(engine, to), send });
          seen.push([...text.matchAll(/^server: (.*)\r$/gim)].map((found) => found[1]).join());
        }
      return seen;
    });
    expect(names).toEqual(["istio-envoy", "istio-envoy", "gate", "app", "", "app"]);
  }, 30_000);

  test("cipher_suites and tls_maximum_protocol_version", async () => {
    const said = await both(async (engine) => {
      const port = portOf(engine, "cipher");
      return [
        await secureTalk({ port }),
        await secureTalk({ port, ciphers: "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256" }),
        await secureTalk({ port, minVersion: "TLSv1.3" }),
      ];
    });
    expect(said[0]).toEqual({ text: "secure", version: "TLSv1.2", cipher: expect.stringContaining("AES256-GCM") });
    expect(said.slice(1).map(({ text }) => text)).toEqual(["", ""]);
  }, 30_000);

  test("PROXY header to the upstream, version 1", async () => {
    const header = await both(async (engine) => {
      const { text, localPort } = await talk({
        port: portOf(engine, "out1"),
        from: "127.0.0.8",
        send: "payload",
        until: (received) => received.endsWith("payload"),
      });
      return text.replace(` ${localPort} `, " SOURCE ").replace(` ${portOf(engine, "out1")}\r`, " LISTENER\r");
    });
    expect(header).toBe("PROXY TCP4 127.0.0.8 127.0.0.1 SOURCE LISTENER\r\npayload");
  }, 30_000);

  test("PROXY header to the upstream, version 2", async () => {
    const header = await both(async (engine) => {
      const { text, localPort } = await talk({
        port: portOf(engine, "out2"),
        from: "127.0.0.8",
        send: "payload",
        until: (received) => received.endsWith("payload"),
      });
      const bytes = Buffer.from(text, "latin1");
      expect(bytes.readUInt16BE(24)).toBe(localPort);
      expect(bytes.readUInt16BE(26)).toBe(portOf(engine, "out2"));
      return `${bytes.subarray(0, 24).toString("hex")} ${bytes.subarray(28).toString()}`;
    });
    expect(header).toBe("0d0a0d0a000d0a515549540a2111000c7f0000087f000001 payload");
  }, 30_000);

  test("a listener's own access log tells of every connection, also of those that no chain took", async () => {
    /** Each connection alone, so that the lines come in their order. */
    const told = (engine: Engine) => async (talks: () => Promise<unknown>) => {
      const before = readFileSync(logOf(engine), "utf8").length;
      await talks().catch(() => undefined);
      let line = "";
      await eventually("the line of the connection", async () => {
        line = readFileSync(logOf(engine), "utf8").slice(before);
        return line.endsWith("\n");
      });
      const fields = JSON.parse(line) as Record<string, unknown>;
      fields["DOWNSTREAM_TRANSPORT_FAILURE_REASON"] = String(fields["DOWNSTREAM_TRANSPORT_FAILURE_REASON"]).includes(
        "UNSUPPORTED_PROTOCOL",
      );
      return fields;
    };
    const lines = await both(async (engine) => {
      const line = told(engine);
      const port = portOf(engine, "told");
      const secure = (options: ConnectionOptions) => () => secureTalk({ port, ...options }, true);
      const plain = await line(() => talk({ port, send: "no hello\r\n" }));
      const stranger = await line(secure({ servername: "three.sni.test" }));
      const served = await line(secure({ servername: "one.sni.test" }));
      const {
        BYTES_RECEIVED: _in,
        BYTES_SENT: _out,
        ...http
      } = await line(() =>
        talk({ port: portOf(engine, "toldHttp"), send: "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n" }),
      );
      // Envoy knows the version that the client asked for, and has the cluster before it asks who may enter.
      const {
        DOWNSTREAM_TLS_VERSION: _version,
        UPSTREAM_CLUSTER: _none,
        ...old
      } = await line(secure({ servername: "one.sni.test", maxVersion: "TLSv1.2" }));
      const {
        BYTES_RECEIVED: _read,
        UPSTREAM_CLUSTER: _cluster,
        ...denied
      } = await line(() => talk({ port: portOf(engine, "toldDenied"), send: "x" }));
      const direct = await line(() => talk({ port: portOf(engine, "toldDirect"), send: "" }));
      const silent = await line(async () => (await connectRaw(port)).close());
      return { plain, stranger, served, old, http, denied, direct, silent };
    });
    expect(lines.stranger).toMatchObject({
      RESPONSE_FLAGS: "NR",
      RESPONSE_CODE_DETAILS: "filter_chain_not_found",
      REQUESTED_SERVER_NAME: "three.sni.test",
    });
    expect(lines.served).toMatchObject({ RESPONSE_FLAGS: "-", FILTER_CHAIN_NAME: "secure", BYTES_SENT: 6 });
    expect(lines.old["DOWNSTREAM_TRANSPORT_FAILURE_REASON"]).toBe(true);
    expect(lines.http).toMatchObject({ PROTOCOL: "HTTP/1.1", ACCESS_LOG_TYPE: "NotSet" });
    expect(lines.denied["CONNECTION_TERMINATION_DETAILS"]).toBe("rbac_access_denied_matched_policy[none]");
  }, 30_000);

  test("--service-cluster and --service-node stand in /server_info", async () => {
    const named = await both(async (engine) => {
      const info = (await (await proxies[engine]?.admin("/server_info"))?.json()) as {
        node: { id: string; cluster: string };
        command_line_options: { service_cluster: string; service_node: string };
      };
      const { node, command_line_options: options } = info;
      return [node.id, node.cluster, options.service_node, options.service_cluster];
    });
    expect(named).toEqual(["edge-node", "edge-cluster", "edge-node", "edge-cluster"]);
  });
});

/** The answer without what two proxies may say in their own words. */
function wordsOf(text: string): string {
  if (!text.startsWith("HTTP/")) return text;
  return text
    .split(/(?=HTTP\/1\.)/)
    .map((answer) => {
      const [head = "", ...rest] = answer.split("\r\n\r\n");
      const [line = "", ...fields] = head.split("\r\n");
      const body = /\{.*\}/.exec(rest.join(""))?.[0].replaceAll(OWN, "") ?? "";
      const kept = fields
        .filter((field) =>
          /^(via|location|grpc-status|connection|transfer-encoding|x-envoy-(internal|external)[^:]*):/i.test(field),
        )
        .sort();
      return [line.replace(/ [^ ]*$/, " "), ...kept, body].join("\n");
    })
    .join("\n");
}

/** Source: RFC 8446 5.1. */
const HANDSHAKE_RECORD = 22;
