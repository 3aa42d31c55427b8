/** What outlier detection counts as a failure of a host, as in real Envoy: bad answers, and what goes wrong before and after them. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@heddle/std/free-ports";
import { ENGINES, type Engine, withoutEnvoy } from "./rig/engines.ts";
import { eventually } from "./rig/eventually.ts";
import { OUTLIER_CASES, outlierBootstrap } from "./rig/outlier-cases.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { talk } from "./rig/talk.ts";

const skip = withoutEnvoy();

/** Answers by the path: `/ok`, `/status/500`, `/grpc/14`, `/hang`, `/reset`, `/cut`. */
function startServer(): Server {
  return createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      const [, what = "", argument = ""] = (chunk.toString("latin1").split(" ")[1] ?? "").split("/");
      if (what === "hang") return;
      if (what === "reset") socket.destroy();
      else if (what === "cut") {
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nbegin");
        setTimeout(() => socket.destroy(), 20);
      } else if (what === "grpc")
        socket.write(
          `HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: ${argument}\r\ncontent-length: 0\r\n\r\n`,
        );
      else socket.write(`HTTP/1.1 ${what === "status" ? argument : 200} Text\r\ncontent-length: 0\r\n\r\n`);
    });
  });
}

describe.skipIf(skip)("outliers as in real Envoy", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-outliers-"));
  const eventsOf = (engine: Engine): string => join(folder, `${engine}.events`);
  const servers: Server[] = [];
  const proxies = new Map<Engine, ProxyProcess>();
  const ports = new Map<Engine, { readonly listen: number; readonly tcp: number; readonly fickle: number }>();

  const serve = (server: Server): Promise<number> => {
    servers.push(server);
    return new Promise((resolve) =>
      server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)),
    );
  };

  beforeAll(async () => {
    const origins = [await serve(startServer()), await serve(startServer())] as const;
    await Promise.all(
      ENGINES.map(async (engine) => {
        const [listen = 0, tcp = 0, fickle = 0, adminPort = 0] = freePorts(4);
        ports.set(engine, { listen, tcp, fickle });
        writeFileSync(eventsOf(engine), "");
        const bootstrap = outlierBootstrap({ listen, tcp, origins, fickle, events: eventsOf(engine) });
        proxies.set(
          engine,
          await startProxy({
            engine,
            bootstrap,
            adminPort,
            args: engine === "envoy" ? ["--file-flush-interval-msec", "50"] : [],
          }),
        );
      }),
    );
  }, 40_000);

  afterAll(async () => {
    await Promise.all([...proxies.values()].map((proxy) => proxy.stop()));
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Findings of a cluster that are not 0. */
  const findings = async (engine: Engine, cluster: string): Promise<Record<string, number>> => {
    const filter = `^cluster.${cluster}.outlier_detection.ejections_(detected|enforced)_`;
    const page = await (await proxies.get(engine)?.admin(`/stats?filter=${encodeURIComponent(filter)}`))?.text();
    const lines = (page ?? "")
      .trim()
      .split("\n")
      .filter((line) => line.includes(": "));
    const all = lines.map((line): [string, number] => {
      const [name = "", value = ""] = line.split(": ");
      return [name.replace(/^.*\.ejections_/, ""), Number(value)];
    });
    return Object.fromEntries(all.filter(([name, value]) => value > 0 && name !== "enforced_total"));
  };

  test.each(OUTLIER_CASES.map((item, i) => [item.name, item, `c${i}`] as const))(
    "%s",
    async (_name, { asks, found, late }, cluster) => {
      const seen = await Promise.all(
        ENGINES.map(async (engine) => {
          const port = ports.get(engine)?.listen ?? 0;
          const askAll = async () => {
            for (const what of asks) {
              const type = what.startsWith("grpc") ? "application/grpc" : "text/plain";
              const fields = `host: a\r\nx-cluster: ${cluster}\r\ncontent-type: ${type}\r\nconnection: close`;
              await talk({ port, send: `GET /${what} HTTP/1.1\r\n${fields}\r\n\r\n` });
            }
          };
          await askAll();
          // Envoy's threads tell each other; a finding of an interval needs enough requests in one.
          if (Object.keys(found).length > 0)
            await eventually("the findings", async () => {
              if (Bun.deepEquals(await findings(engine, cluster), found)) return true;
              if (late === true) await askAll();
              return false;
            }).catch(() => undefined);
          else await Bun.sleep(100);
          return findings(engine, cluster);
        }),
      );
      expect(seen).toEqual([found, found]);
    },
    60_000,
  );

  test("TCP: a connection that comes about makes up for those that did not", async () => {
    const seen = await Promise.all(
      ENGINES.map(async (engine) => {
        const { tcp = 0, fickle = 0 } = ports.get(engine) ?? {};
        const fails = async (times: number) => {
          for (let i = 0; i < times; i++) await talk({ port: tcp, send: "" });
        };
        await fails(2);
        const server = createServer((socket) => {
          socket.on("error", () => undefined);
          socket.end("here");
        });
        await new Promise<void>((resolve) => server.listen(fickle, "127.0.0.1", resolve));
        expect((await talk({ port: tcp, send: "" })).text).toBe("here");
        await new Promise<void>((resolve) => server.close(() => resolve()));
        await fails(2);
        await Bun.sleep(100);
        const before = await findings(engine, "fickle");
        await fails(1);
        await eventually("the findings", async () => Object.keys(await findings(engine, "fickle")).length === 2);
        return [before, await findings(engine, "fickle")];
      }),
    );
    const wanted = [{}, { detected_consecutive_5xx: 1, enforced_consecutive_5xx: 1 }];
    expect(seen).toEqual([wanted, wanted]);
  }, 60_000);

  /** What was written of a cluster; times are there, ports are by their order. */
  const events = (engine: Engine, cluster: string): Record<string, unknown>[] => {
    const hosts = new Map<string, string>();
    return readFileSync(eventsOf(engine), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((event) => event["cluster_name"] === cluster)
      .map((event) => {
        const url = String(event["upstream_url"]);
        hosts.set(url, hosts.get(url) ?? `host ${hosts.size}`);
        expect(Math.abs(Date.parse(String(event["timestamp"])) - Date.now())).toBeLessThan(600_000);
        return { ...event, upstream_url: hosts.get(url), timestamp: "now" };
      });
  };
  const fail = async (engine: Engine, cluster: string): Promise<void> => {
    const fields = `host: a\r\nx-cluster: ${cluster}\r\nconnection: close`;
    await talk({ port: ports.get(engine)?.listen ?? 0, send: `GET /status/500 HTTP/1.1\r\n${fields}\r\n\r\n` });
  };

  test("a record of ejections: ejected, back, and again", async () => {
    for (const engine of ENGINES) {
      await fail(engine, "again");
      await eventually("ejected and back", () => events(engine, "again").length === 2, 30_000);
      await fail(engine, "unlucky");
      await eventually("left out by chance", () => events(engine, "unlucky").length === 1, 30_000);
    }
    const [ours, theirs] = ENGINES.map((engine) => events(engine, "again"));
    expect(ours).toEqual(theirs ?? []);
    expect(ours?.map(({ action }) => action)).toEqual(["EJECT", "UNEJECT"]);
    expect(events("heddle", "unlucky")).toEqual(events("envoy", "unlucky"));
    // The keys are in one order, as tools that cut lines expect.
    const [first, other] = ENGINES.map((engine) => readFileSync(eventsOf(engine), "utf8").split("\n")[0] ?? "{}");
    expect(Object.keys(JSON.parse(first ?? "{}"))).toEqual(Object.keys(JSON.parse(other ?? "{}")));
  }, 90_000);

  test("a record of ejections for each cause", async () => {
    for (let i = 0; i < OUTLIER_CASES.length; i++) {
      const count = (engine: Engine): number => events(engine, `c${i}`).length;
      await eventually("as many lines", () => count("heddle") === count("envoy"), 10_000).catch(() => undefined);
      const [ours, theirs] = ENGINES.map((engine) => events(engine, `c${i}`));
      expect([OUTLIER_CASES[i]?.name, ...(ours ?? [])]).toEqual([OUTLIER_CASES[i]?.name, ...(theirs ?? [])]);
    }
  }, 60_000);
});
