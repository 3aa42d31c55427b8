/** What a load reporting server is told: the same requests through real Envoy and here, loads by cluster, locality, priority and endpoint compared. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { toJson } from "@bufbuild/protobuf";
import { freePorts } from "@heddle/std/free-ports";
import { type ClusterStats, ClusterStatsSchema } from "@heddle/xds-api/envoy/config/endpoint/v3/load_report";
import { address, cluster, httpFilterChain, listener } from "./rig/bootstrap.ts";
import { ENGINES, type Engine, withoutEnvoy } from "./rig/engines.ts";
import { eventually } from "./rig/eventually.ts";
import { type LoadServer, startLoadServer } from "./rig/load-server.ts";
import { type Origin, startOrigin } from "./rig/origin.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { connectRaw } from "./rig/raw-client.ts";
import { talk } from "./rig/talk.ts";

const skip = withoutEnvoy();

describe.skipIf(skip)("loads as real Envoy reports them", () => {
  const origins: Origin[] = [];
  const proxies: Partial<Record<Engine, ProxyProcess>> = {};
  const servers: Partial<Record<Engine, LoadServer>> = {};
  const ports: Partial<Record<Engine, number>> = {};

  beforeAll(async () => {
    for (let i = 0; i < 3; i++)
      origins.push(
        await startOrigin(({ target, socket }) => {
          if (target.includes("hang")) return;
          socket.write(`HTTP/1.1 ${target.includes("bad") ? 500 : 200} Text\r\ncontent-length: 2\r\n\r\nok`);
        }),
      );
    const [east = 0, west = 0, far = 0] = origins.map(({ port }) => port);
    const endpoints = (port: number) => [{ endpoint: { address: address(port) } }];
    for (const engine of ENGINES) {
      const [listen = 0, adminPort = 0] = freePorts(2);
      ports[engine] = listen;
      const server = await startLoadServer();
      servers[engine] = server;
      proxies[engine] = await startProxy({
        engine,
        adminPort,
        bootstrap: {
          node: { id: "n", cluster: "c", locality: { region: "r", zone: "z" } },
          cluster_manager: {
            load_stats_config: {
              api_type: "GRPC",
              transport_api_version: "V3",
              grpc_services: [
                { envoy_grpc: { cluster_name: "loads" }, initial_metadata: [{ key: "x-mesh", value: "a" }] },
              ],
            },
          },
          static_resources: {
            listeners: [
              listener("in", listen, [
                httpFilterChain("app", {
                  route_config: {
                    virtual_hosts: [
                      {
                        name: "all",
                        domains: ["*"],
                        routes: [{ match: { prefix: "/" }, route: { cluster_header: "x-cluster", timeout: "0s" } }],
                      },
                    ],
                  },
                }),
              ]),
            ],
            clusters: [
              cluster("app", [], "http1", {
                load_assignment: {
                  cluster_name: "app",
                  endpoints: [
                    { locality: { region: "r", zone: "east", sub_zone: "s" }, lb_endpoints: endpoints(east) },
                    { locality: { region: "r", zone: "west" }, lb_endpoints: endpoints(west) },
                    { locality: { region: "far" }, priority: 1, lb_endpoints: endpoints(far) },
                  ],
                },
              }),
              cluster("full", [east], "http1", {
                circuit_breakers: { thresholds: [{ max_requests: 0, max_pending_requests: 0 }] },
              }),
              cluster("idle", [east], "http1"),
              cluster("loads", [server.port], "http2"),
            ],
          },
        },
      });
    }
  }, 40_000);

  afterAll(async () => {
    await Promise.all(Object.values(proxies).map((proxy) => proxy.stop()));
    for (const server of Object.values(servers)) server.close();
    for (const origin of origins) origin.close();
  });

  const serverOf = (engine: Engine): LoadServer => {
    const found = servers[engine];
    if (found === undefined) throw new Error(`no server for ${engine}`);
    return found;
  };
  const ask = (engine: Engine, path: string, to = "app") =>
    talk({
      port: ports[engine] ?? 0,
      send: `GET ${path} HTTP/1.1\r\nhost: a\r\nx-cluster: ${to}\r\nconnection: close\r\n\r\n`,
    });
  /** All reports of a cluster since `from`, added up; ports are by their order. */
  const sum = (engine: Engine, name: string, from: number) => {
    const { reports } = serverOf(engine);
    const stats = reports
      .slice(from)
      .flatMap((report) => report.clusterStats.filter((one) => one.clusterName === name));
    const places = new Map<string, number[]>();
    const add = (key: string, values: readonly bigint[]) =>
      places.set(
        key,
        values.map((value, i) => Number(value) + (places.get(key)?.[i] ?? 0)),
      );
    for (const { upstreamLocalityStats: list } of stats)
      for (const one of list) {
        const key = `${one.locality?.region}/${one.locality?.zone}/${one.locality?.subZone} ${one.priority}`;
        add(key, [one.totalSuccessfulRequests, one.totalErrorRequests, one.totalIssuedRequests]);
        for (const end of one.upstreamEndpointStats) {
          const at = end.address?.address.case === "socketAddress" ? end.address.address.value.portSpecifier.value : 0;
          const which = origins.findIndex(({ port }) => port === at);
          add(`${key} endpoint ${which}`, [
            end.totalSuccessfulRequests,
            end.totalErrorRequests,
            end.totalIssuedRequests,
          ]);
        }
      }
    return {
      places: [...places].sort(),
      dropped: stats.reduce((total, one) => total + Number(one.totalDroppedRequests), 0),
    };
  };
  /** Tells the server what to ask for, and waits until a period of it has begun. */
  const period = async (engine: Engine, wanted: Parameters<LoadServer["ask"]>[0]): Promise<number> => {
    const server = serverOf(engine);
    server.ask(wanted);
    const from = server.reports.length;
    await eventually("two reports", () => server.reports.length >= from + 2, 10_000);
    return server.reports.length;
  };
  const total = (found: ReturnType<typeof sum>): number =>
    found.places.filter(([key]) => !key.includes("endpoint")).reduce((all, [, [, , issued = 0]]) => all + issued, 0);

  test("who reports: said in each stream's first message, before anything is asked", async () => {
    for (const engine of ENGINES) {
      const server = serverOf(engine);
      await eventually("a first message", () => server.reports.length > 0);
      const [first] = server.reports;
      expect(first?.node).toMatchObject({ id: "n", cluster: "c" });
      expect(first?.node?.clientFeatures).toContain("envoy.lrs.supports_send_all_clusters");
      expect(first?.clusterStats).toEqual([]);
      expect([...server.meshes]).toEqual(["a"]);
    }
  }, 20_000);

  test("successes, errors, issued by locality and priority", async () => {
    const found: unknown[] = [];
    for (const engine of ENGINES) {
      const from = await period(engine, { clusters: ["app"], intervalMs: 200 });
      for (let i = 0; i < 4; i++) await ask(engine, "/good");
      for (let i = 0; i < 2; i++) await ask(engine, "/bad");
      await eventually("all are told", () => total(sum(engine, "app", from)) === 6, 10_000);
      found.push(sum(engine, "app", from));
      expect(
        serverOf(engine)
          .reports.slice(from)
          .every(({ clusterStats }) => clusterStats.length === 1),
      ).toBe(true);
    }
    expect(found[0]).toEqual(found[1]);
  }, 30_000);

  test("by endpoint, for all clusters, with those that found a cluster full", async () => {
    const found: unknown[] = [];
    for (const engine of ENGINES) {
      const from = await period(engine, { all: true, endpoints: true, intervalMs: 200 });
      for (let i = 0; i < 4; i++) await ask(engine, "/good");
      for (let i = 0; i < 3; i++) await ask(engine, "/good", "full");
      await eventually(
        "all are told",
        () => total(sum(engine, "app", from)) === 4 && sum(engine, "full", from).dropped === 3,
        10_000,
      );
      found.push([sum(engine, "app", from), sum(engine, "full", from), sum(engine, "idle", from)]);
      const names = serverOf(engine)
        .reports.at(-1)
        ?.clusterStats.map((one) => one.clusterName);
      expect(names?.sort()).toEqual(["app", "full", "idle", "loads"]);
    }
    expect(found[0]).toEqual(found[1]);
  }, 30_000);

  test("requests under way are told each time", async () => {
    const under = (one: ClusterStats | undefined) =>
      one?.upstreamLocalityStats.map((at) => Number(at.totalRequestsInProgress));
    for (const engine of ENGINES) {
      await period(engine, { clusters: ["app"], intervalMs: 200 });
      const client = await connectRaw(ports[engine] ?? 0);
      client.send("GET /hang HTTP/1.1\r\nhost: a\r\nx-cluster: app\r\n\r\n");
      const server = serverOf(engine);
      await eventually("one under way", () => under(server.reports.at(-1)?.clusterStats[0])?.join() === "1", 10_000);
      const from = server.reports.length;
      await eventually("and still", () => server.reports.length >= from + 2);
      const last = server.reports.at(-1)?.clusterStats[0];
      expect(
        last && toJson(ClusterStatsSchema, { ...last, loadReportInterval: undefined } as ClusterStats),
      ).toMatchObject({
        upstreamLocalityStats: [{ totalRequestsInProgress: "1" }],
      });
      client.close();
    }
  }, 30_000);

  test("a server that goes away gets a new stream, and what it asked for is still told", async () => {
    for (const engine of ENGINES) {
      const server = serverOf(engine);
      await period(engine, { clusters: ["app"], intervalMs: 200 });
      const before = server.streams;
      server.endStreams();
      await ask(engine, "/good");
      await eventually("another stream", () => server.streams > before, 20_000);
      await eventually("a report", () => (server.reports.at(-1)?.clusterStats.length ?? 0) > 0, 10_000);
    }
  }, 60_000);
});
