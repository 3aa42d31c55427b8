/** External processing in all modes, case by case beside real Envoy: what clients and servers get, what the processor sees, logs, statistics. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@heddle/std/free-ports";
import { ENGINES, type Engine, withoutEnvoy } from "./rig/engines.ts";
import { eventually } from "./rig/eventually.ts";
import { CASES } from "./rig/processing-cases.ts";
import { processingBootstrap } from "./rig/processing-config.ts";
import { startEchoH1, startEchoH2 } from "./rig/processing-origin.ts";
import type { ProcessingCase } from "./rig/processing-scripts.ts";
import { type Processor, startProcessor } from "./rig/processor.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { http1Client, http2Client, type TableAnswer } from "./rig/table-client.ts";

const skip = withoutEnvoy();

interface Side {
  readonly proxy: ProxyProcess;
  readonly processor: Processor;
  readonly port: number;
  readonly log: string;
}

/** Client's version and server's. */
type Cell = readonly ["HTTP/1" | "HTTP/2", "h1" | "h2"];
const STRAIGHT: readonly Cell[] = [
  ["HTTP/1", "h1"],
  ["HTTP/2", "h2"],
];
const ALL_CELLS: readonly Cell[] = [...STRAIGHT, ["HTTP/1", "h2"], ["HTTP/2", "h1"]];
const OWN = new Set(["date", "server", "connection", "x-envoy-upstream-service-time", ":status", "x-request-id"]);
/** Clients that go away; a path that the processor wrote, which our logs tell by what the client sent. */
const UNLOGGED = /^\/(silent|headers-set|empty)/;
/** Never answers; the client goes away. */
const SILENT: ProcessingCase = { name: "silent", filter: {}, script: () => undefined };

/** An answer without what may differ: times, and the length that only ours tells HTTP/2 clients of an empty answer. */
function told(answer: TableAnswer): unknown {
  const headers = Object.entries(answer.headers).filter(
    ([name, value]) => !OWN.has(name) && !(name === "content-length" && value === "0"),
  );
  return { ...answer, headers: Object.fromEntries(headers.sort()), body: answer.body.toString("latin1") };
}

describe.skipIf(skip)("external processing as in real Envoy", () => {
  const sides = new Map<Engine, Side>();
  const closers: (() => void)[] = [];
  const folder = mkdtempSync(join(tmpdir(), "heddle-processing-"));
  const all = [...CASES, SILENT];
  const side = (engine: Engine): Side => {
    const found = sides.get(engine);
    if (found === undefined) throw new Error(`${engine} did not start`);
    return found;
  };

  beforeAll(async () => {
    const [h1, h2] = [await startEchoH1(), await startEchoH2()];
    closers.push(h1.close, h2.close);
    const scripts = new Map(all.flatMap(({ name, script }) => (script === undefined ? [] : [[name, script] as const])));
    await Promise.all(
      ENGINES.map(async (engine) => {
        const [listen = 0, adminPort = 0, nobody = 0] = freePorts(3);
        const processor = await startProcessor(scripts);
        closers.push(processor.close);
        const log = join(folder, `${engine}.log`);
        const ports = { listen, h1: h1.port, h2: h2.port, processor: processor.port, nobody };
        const proxy = await startProxy({ engine, adminPort, bootstrap: processingBootstrap(ports, all, log) });
        sides.set(engine, { proxy, processor, port: listen, log });
      }),
    );
  }, 60_000);

  afterAll(async () => {
    await Promise.all([...sides.values()].map(({ proxy }) => proxy.stop()));
    for (const close of closers) close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function call(engine: Engine, item: ProcessingCase, [down, up]: Cell): Promise<unknown> {
    const { port } = side(engine);
    const client = down === "HTTP/1" ? http1Client(port) : http2Client(port);
    const { name, path = "echo", method = "GET", body, sized, trailers, headers } = item;
    return told(
      await client.call({
        method,
        path: `/${name}/${up}/${path}`,
        ...(body === undefined ? {} : { body: Buffer.alloc(body, 97) }),
        ...(sized === undefined ? {} : { sized }),
        ...(trailers === undefined ? {} : { trailers }),
        ...(headers === undefined ? {} : { headers }),
      }),
    );
  }

  const compared = CASES.flatMap((item) =>
    cellsOf(item).map((cell) => [item.name, cell[0], cell[1], item, cell] as const),
  );
  test.each(compared)(
    "%s: %s client, %s server",
    async (name, _down, _up, item, cell) => {
      const [ours, envoy] = await Promise.all(ENGINES.map((engine) => call(engine, item, cell)));
      expect(ours).toEqual(envoy);
      const seen = (engine: Engine): readonly string[] => side(engine).processor.seen(name);
      // What is only watched may be behind its exchange.
      await eventually("the same messages", () => Bun.deepEquals(seen("heddle"), seen("envoy"))).catch(() => {});
      expect(seen("heddle")).toEqual(seen("envoy"));
    },
    60_000,
  );

  test("a client that goes away takes its stream along", async () => {
    for (const engine of ENGINES) {
      const { port, processor } = side(engine);
      const socket = connect(port, "127.0.0.1");
      socket.write("GET /silent/h1/echo HTTP/1.1\r\nhost: app\r\n\r\n");
      await eventually("the processor is asked", () => processor.seen("silent").length === 1);
      socket.destroy();
      await eventually("no stream is left", () => processor.open === 0);
    }
  }, 60_000);

  test("statistics", async () => {
    const read = async (engine: Engine): Promise<Record<string, string>> => {
      const text = await (await side(engine).proxy.admin("/stats?filter=ext_proc")).text();
      const values = text
        .trim()
        .split("\n")
        .map((line): [string, string] => {
          const [name = "", value = ""] = line.split(": ");
          return [name, value];
        });
      // How many pieces a stream comes in is up to the network.
      return Object.fromEntries(
        values.filter(
          ([name]) =>
            !/STREAMED|streamed|duplex|ahead|watch|silent|oversize|override\.|length-.*stream_msgs/.test(name),
        ),
      );
    };
    const envoy = await read("envoy");
    expect(Object.keys(envoy).length).toBeGreaterThan(1000);
    const same = async () => Bun.deepEquals(await read("heddle"), await read("envoy"));
    await eventually("the same values", same).catch(() => {});
    expect(await read("heddle")).toEqual(await read("envoy"));
  }, 60_000);

  test("logs", async () => {
    const lines = (engine: Engine): string[] =>
      readFileSync(side(engine).log, "utf8")
        .split("\n")
        .filter((line) => line !== "" && !UNLOGGED.test(line))
        // Ours writes a dash for details of nothing, and says less of why there is no connection.
        .map((line) =>
          line
            .replace(/\|delayed_connect_error[^}]*/, "")
            .replace(/ 200 - (- )?/, " 200 - ")
            .replace(/ {2,}/, " "),
        )
        .sort();
    await eventually("all lines", () => ENGINES.every((engine) => lines(engine).length >= compared.length - 2));
    expect(lines("heddle")).toEqual(lines("envoy"));
  }, 90_000);

  test("no stream is left open", async () => {
    for (const engine of ENGINES) await eventually("no stream", () => side(engine).processor.open === 0);
    const stats = await (await side("heddle").proxy.admin("/stats?filter=cluster.processor.upstream_rq_active")).text();
    expect(stats).toContain("upstream_rq_active: 0");
  }, 60_000);
});

/** Bodies are compared in all cells, what has none to speak of where client and server speak alike; Envoy keeps more of HTTP/2. */
function cellsOf({ name }: ProcessingCase): readonly Cell[] {
  if (name.startsWith("oversize")) return [["HTTP/1", "h1"]];
  if (name.startsWith("grpc")) return [["HTTP/2", "h2"]];
  return /^(agree|louder|duplex|trailers|replace)/.test(name) ? ALL_CELLS : STRAIGHT;
}
