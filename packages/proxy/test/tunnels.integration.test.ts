import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect as connectHttp2 } from "node:http2";
import { connect, createServer, type Server } from "node:net";
import { freePorts } from "@heddle/std/free-ports";
import { withoutEnvoy } from "./rig/engines.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { type TunnelPorts, tunnelBootstrap } from "./rig/tunnel-config.ts";

const skip = withoutEnvoy();

/** Large enough that every buffer on the way is full. Units: bytes. */
const LARGE = 3_000_000;
const LIMIT_MS = 8000;

/** What a server said until it ended or `enough` came; a proxy's port in it is replaced. */
function talk(port: number, first: string, then: string | undefined, enough: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = "";
    let went = then === undefined;
    const socket = connect(port, "127.0.0.1", () => socket.write(first));
    const timer = setTimeout(() => socket.destroy(new Error(`heard only ${JSON.stringify(heard)}`)), LIMIT_MS);
    const done = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(heard);
    };
    socket.on("data", (chunk) => {
      heard += chunk.toString("latin1");
      if (!went && heard.includes("\r\n\r\n")) {
        went = true;
        socket.write(then ?? "");
      }
      if (enough.test(heard)) done();
    });
    socket.on("end", done);
    socket.on("error", reject);
    socket.on("close", () => clearTimeout(timer));
  });
}

/** The same over HTTP/2 to a proxy that ends the tunnel. */
function talkHttp2(port: number, kind: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const timer = setTimeout(() => session.destroy(new Error("no answer over HTTP/2")), LIMIT_MS);
    session.on("error", reject);
    const stream = session.request({ ":method": "CONNECT", ":authority": "far.test:1", "x-kind": kind });
    let heard = "";
    const done = () => {
      clearTimeout(timer);
      session.destroy();
      resolve(heard);
    };
    stream.on("response", (headers) => {
      heard += `${headers[":status"]} `;
      stream.write("over two\n");
    });
    stream.on("data", (chunk: Buffer) => {
      heard += chunk.toString();
      if (heard.includes("OVER TWO\n")) done();
    });
    stream.on("end", done);
    stream.on("error", reject);
  });
}

describe.skipIf(skip)("CONNECT tunnels as real Envoy has them", () => {
  let application: Server;
  const proxies: ProxyProcess[] = [];
  const ports: Partial<Record<"ours" | "envoy", TunnelPorts>> = {};

  beforeAll(async () => {
    // Answers in capitals; after the client's end it says good-bye.
    application = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("data", (chunk) => void socket.write(chunk.toString("latin1").toUpperCase(), "latin1"));
      socket.on("end", () => socket.end("BYE"));
      socket.on("error", () => undefined);
    });
    await new Promise<void>((resolve) => application.listen(0, "127.0.0.1", resolve));
    const place = application.address();
    const target = typeof place === "object" && place !== null ? place.port : 0;
    for (const engine of ["ours", "envoy"] as const) {
      const [end = 0, forward1 = 0, forward2 = 0, tcp1 = 0, tcp2 = 0, tcpPost = 0, adminPort = 0] = freePorts(7);
      const own = { end, forward1, forward2, tcp1, tcp2, tcpPost, application: target };
      ports[engine] = own;
      proxies.push(
        await startProxy({
          engine: engine === "ours" ? "heddle" : "envoy",
          bootstrap: tunnelBootstrap(own),
          adminPort,
        }),
      );
    }
  }, 40_000);

  afterAll(async () => {
    for (const proxy of proxies) await proxy.stop();
    application.close();
  });

  /** Both proxies do the same, which is given back without what differs by nature. */
  async function both(run: (own: TunnelPorts) => Promise<string>): Promise<string> {
    const answers = [];
    for (const engine of ["ours", "envoy"] as const) {
      const own = ports[engine];
      if (own === undefined) throw new Error("the proxy did not start");
      const heard = await run(own);
      answers.push(
        heard
          .replaceAll(/(date|connection|x-envoy-upstream-service-time): [^\r]*\r\n/gi, "")
          .replaceAll(/(PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1) \d+ \d+/g, "$1 … …")
          .split("\r\n\r\n")
          .map((part, i) => (i === 0 ? part.split("\r\n").sort().join("\n").toLowerCase() : part))
          .join("\n\n"),
      );
    }
    expect(answers[0]).toBe(answers[1] ?? "");
    return answers[0] ?? "";
  }

  const head = (extra = "") => `CONNECT far.test:1 HTTP/1.1\r\nHost: far.test:1\r\n${extra}\r\n`;

  test.each([
    ["ended here", "end", ""],
    ["forwarded over HTTP/1", "forward1", ""],
    ["forwarded over HTTP/2", "forward2", ""],
    ["ended here, with a PROXY header", "end", "x-kind: proxied\r\n"],
    ["forwarded over HTTP/2, with a PROXY header", "forward2", "x-kind: proxied\r\n"],
  ] as const)(
    "HTTP/1: %s",
    async (_name, place, extra) => {
      const heard = await both((own) => talk(own[place], head(extra), "hello\n", /HELLO\n/));
      expect(heard).toContain("HELLO\n");
      expect(heard.includes("PROXY TCP4")).toBe(extra !== "");
    },
    20_000,
  );

  test("HTTP/1: nobody listens behind, and a refusal", async () => {
    for (const engine of ["ours", "envoy"] as const)
      expect(await talk(ports[engine]?.end ?? 0, head("x-kind: dead\r\n"), undefined, /\r\n\r\n/)).toContain(" 503 ");
    expect(await both((own) => talk(own.end, head("x-kind: refused\r\n"), undefined, /\r\n\r\n/))).toContain(" 407 ");
    expect(await both((own) => talk(own.forward1, head("x-kind: refused\r\n"), undefined, /\r\n\r\n/))).toContain(
      " 407 ",
    );
  }, 20_000);

  test.each(["", "proxied"])("HTTP/2: CONNECT %s", async (kind) => {
    expect(await both((own) => talkHttp2(own.end, kind))).toContain("over two");
  }, 20_000);

  test.each(["tcp1", "tcp2", "tcpPost"] as const)("TCP in a tunnel: %s", async (place) => {
    expect(await both((own) => talk(own[place], "hello\n", undefined, /hello\n/i))).toContain("hello");
  }, 20_000);

  test.each([
    "tcp1",
    "tcp2",
    "tcpPost",
  ] as const)("TCP in a tunnel: %s carries all bytes and each end of its own", async (place) => {
    // Over HTTP/1 Envoy closes both directions at the first end.
    for (const engine of place === "tcp2" ? (["ours", "envoy"] as const) : (["ours"] as const)) {
      const port = ports[engine]?.[place] ?? 0;
      const heard = await new Promise<string>((resolve, reject) => {
        let text = "";
        const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => {
          socket.end("x".repeat(LARGE));
        });
        const timer = setTimeout(() => socket.destroy(new Error(`${engine}: ${text.length} bytes`)), 15_000);
        socket.on("data", (chunk) => (text += chunk.toString("latin1")));
        socket.on("end", () => resolve(text));
        socket.on("close", () => clearTimeout(timer));
        socket.on("error", reject);
      });
      expect(`${engine} ${heard.replace(/^PROXY.*\r\n/, "").length} ${heard.slice(-3)}`).toBe(
        `${engine} ${LARGE + 3} BYE`,
      );
    }
  }, 40_000);
});
