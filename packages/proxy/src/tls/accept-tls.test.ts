import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { createSecureContext } from "node:tls";
import { createSystemClock } from "@heddle/std";
import { eventually } from "../../test/rig/eventually.ts";
import { foreignCertificate } from "../../test/rig/foreign-certificate.ts";
import type { NativeSecureContext } from "../transport/bun-socket.ts";
import { createFlushQueue } from "../transport/flush-queue.ts";
import { createKernel, type Kernel } from "../transport/kernel.ts";
import { type BoundPort, createNetwork, type Network } from "../transport/network.ts";
import type { StreamConnection } from "../transport/stream-connection.ts";
import { acceptTls } from "./accept-tls.ts";

const ports: BoundPort[] = [];
let certificate: { readonly cert: string; readonly key: string };
let context: NativeSecureContext;

beforeAll(async () => {
  certificate = await foreignCertificate();
  context = (createSecureContext(certificate) as unknown as { context: NativeSecureContext }).context;
});
afterAll(() => {
  for (const port of ports) port.stop();
});

interface Server {
  readonly port: number;
  readonly network: Network;
  readonly secured: StreamConnection[];
  readonly refusals: string[];
  /** How the connections ended: "end" for each orderly end, then what `onClose` said. */
  readonly endings: string[];
  readonly hellos: number;
}

/** Answers each chunk over TLS with itself, and an end with "bye" and an end. The hello is taken once `atLeast` bytes of it are there. */
function serve(kernel: Kernel, atLeast = 1): Server {
  const network = createNetwork(kernel, createFlushQueue());
  const clock = createSystemClock();
  const secured: StreamConnection[] = [];
  const refusals: string[] = [];
  const endings: string[] = [];
  let hellos = 0;
  const bound = network.listen({ ip: "127.0.0.1", port: 0 }, (connection) => {
    let first = Buffer.alloc(0);
    let begun = false;
    connection.handler = {
      onData(chunk) {
        if (begun) {
          connection.write(chunk);
          return;
        }
        first = Buffer.concat([first, chunk]);
        if (first.length < atLeast) return;
        begun = true;
        hellos++;
        acceptTls(
          network,
          connection,
          first,
          {
            ready: {
              context,
              sans: [],
              verifyChain: false,
              asksPeer: false,
              pins: undefined,
              sessions: undefined,
              checks: [],
              own: undefined,
            },
            requireCertificate: false,
            alpn: [],
            offered: [],
            multiplex: false,
            timeoutMs: 5000,
          },
          { onSecured: (done) => void secured.push(done), onRefused: (reason) => void refusals.push(reason) },
          clock,
        );
      },
      onEnd() {
        endings.push("end");
        connection.write(Buffer.from("bye"));
        connection.shutdown();
      },
      onDrain() {},
      onClose: (error) => void endings.push(error?.kind ?? "closed"),
    };
  });
  ports.push(bound);
  return {
    port: "port" in bound.address ? bound.address.port : 0,
    network,
    secured,
    refusals,
    endings,
    get hellos() {
      return hellos;
    },
  };
}

interface Client {
  readonly socket: Bun.Socket;
  text(): string;
  /** "open", or how it ended. */
  state(): string;
}

async function connect(port: number, secure = true): Promise<Client> {
  let text = "";
  let state = "open";
  const ready = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    allowHalfOpen: true,
    ...(secure ? { tls: { rejectUnauthorized: false } } : {}),
    socket: {
      open: () => void (secure || ready.resolve()),
      handshake: () => ready.resolve(),
      data: (_, chunk) => {
        text += chunk.toString("latin1");
      },
      end: (own) => {
        state = "ended";
        own.end();
      },
      close: (_, error) => {
        if (state === "open") state = error === undefined ? "ended" : "reset";
      },
      error: () => {
        state = "reset";
      },
    },
  });
  await ready.promise;
  return { socket, text: () => text, state: () => state };
}

/** Passes bytes on, the first ones to the server in three parts with a pause between them. */
async function slowStart(port: number): Promise<{ readonly port: number; close(): void }> {
  const relay = createServer((socket) => {
    const up = createConnection({ port, host: "127.0.0.1" });
    up.pipe(socket);
    socket.on("error", () => undefined);
    up.on("error", () => undefined);
    socket.once("data", async (chunk: Buffer) => {
      socket.pause();
      for (const [from, to] of [[0, 3], [3, 200], [200]] as const) {
        up.write(chunk.subarray(from, to));
        await Bun.sleep(20);
      }
      socket.pipe(up);
    });
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  const at = relay.address();
  return { port: typeof at === "object" && at !== null ? at.port : 0, close: () => void relay.close() };
}

const descriptors = () => readdirSync("/proc/self/fd").length;

const kernels: readonly (readonly [string, () => Kernel])[] = [
  ["over a descriptor of its own", createKernel],
  [
    "when no descriptor is left",
    () => {
      const kernel = createKernel();
      kernel.duplicate = () => -24;
      return kernel;
    },
  ],
];

for (const [name, makeKernel] of kernels) {
  describe(name, () => {
    test("bytes pass both ways, whole", async () => {
      const server = serve(makeKernel());
      const client = await connect(server.port);
      const bytes = "0123456789abcdef".repeat(16_000);
      for (let sent = 0; sent < bytes.length; ) {
        sent += Math.max(0, client.socket.write(bytes.slice(sent)));
        await Bun.sleep(1);
      }
      await eventually("what was sent comes back", () => client.text().length === bytes.length);
      expect(client.text() === bytes).toBe(true);
      expect(server.secured[0]?.remote).toEqual({ ip: "127.0.0.1", port: client.socket.localPort });
      expect(server.network.shared.accepted).toBe(1);
      client.socket.end();
      await eventually("the end", () => server.network.shared.accepted === 0);
    });

    test("a hello in pieces: what was peeked at is not lost, nor what came behind it", async () => {
      const server = serve(makeKernel(), 100);
      const relay = await slowStart(server.port);
      const client = await connect(relay.port);
      client.socket.write("over the relay");
      await eventually("the echo", () => client.text() === "over the relay");
      client.socket.end();
      await eventually("the end", () => server.network.shared.accepted === 0);
      relay.close();
    });

    test("half-close: what is said after the client's end arrives", async () => {
      const server = serve(makeKernel());
      const client = await connect(server.port);
      client.socket.write("last word");
      client.socket.shutdown();
      await eventually("both ends", () => client.text() === "last wordbye" && server.network.shared.accepted === 0);
      expect([server.endings, client.state()]).toEqual([["end", "closed"], "ended"]);
    });

    test("a reset, after the handshake or during it, is told once and leaves nothing", async () => {
      const server = serve(makeKernel());
      const client = await connect(server.port);
      client.socket.write("x");
      await eventually("the echo", () => client.text() === "x");
      client.socket.terminate();
      await eventually("the reset", () => server.endings.length > 0);
      const early = await connect(server.port, false);
      early.socket.write(Uint8Array.of(22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3));
      await eventually("its hello", () => server.hellos === 2);
      early.socket.terminate();
      await eventually("the end of both", () => server.refusals.length === 1 && server.network.shared.accepted === 0);
      expect([server.endings[0], server.secured.length]).toEqual(["reset", 1]);
    });

    test("an orderly close by us is no reset for the client", async () => {
      const server = serve(makeKernel());
      const client = await connect(server.port);
      await eventually("the handshake", () => server.secured.length === 1);
      server.secured[0]?.write(Buffer.from("done"));
      server.secured[0]?.close();
      await eventually("the end", () => client.state() !== "open");
      expect([client.text(), client.state()]).toEqual(["done", "ended"]);
    });

    test("no descriptor is left, and no connection counted, however one ended", async () => {
      const server = serve(makeKernel());
      const before = descriptors();
      for (let i = 0; i < 20; i++) {
        const client = await connect(server.port, i % 4 !== 3);
        client.socket.write("not TLS, or an echo");
        if (i % 4 !== 3) await eventually("the echo", () => client.text() !== "");
        if (i % 4 === 0) client.socket.end();
        else if (i % 4 === 1) client.socket.terminate();
        else if (i % 4 === 2) server.secured.at(-1)?.abort();
      }
      await eventually("none counted", () => server.network.shared.accepted === 0);
      await eventually("no more descriptors than before", () => descriptors() <= before);
      expect(server.refusals).toHaveLength(5);
    });
  });
}
