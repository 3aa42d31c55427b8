/** What Envoy's users write in their files: taken or refused as by real Envoy, and the same headers at both ends. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePorts } from "@heddle/std/free-ports";
import { stringify } from "yaml";
import { cluster, httpFilterChain, listener } from "./rig/bootstrap.ts";
import { ENGINES, type Engine, withoutEnvoy } from "./rig/engines.ts";
import { type Origin, startOrigin } from "./rig/origin.ts";
import { envoyPath, type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { connectRaw } from "./rig/raw-client.ts";

const skip = withoutEnvoy();
const TYPE = "type.googleapis.com/envoy";
type Fields = Readonly<Record<string, unknown>>;

const HTTP_FILTERS = `${TYPE}.extensions.filters.http`;
const ROUTER = { name: "router", typed_config: { "@type": `${HTTP_FILTERS}.router.v3.Router` } };
const authorized = (uri: string): Fields => ({
  name: "authz",
  typed_config: {
    "@type": `${HTTP_FILTERS}.ext_authz.v3.ExtAuthz`,
    http_service: { server_uri: { uri, cluster: "app", timeout: "20s" }, path_prefix: "/check" },
  },
});
const keysFrom = (uri: string): Fields => ({
  name: "jwt",
  typed_config: {
    "@type": `${HTTP_FILTERS}.jwt_authn.v3.JwtAuthentication`,
    providers: { p: { remote_jwks: { http_uri: { uri, cluster: "app", timeout: "1s" } } } },
  },
});

/** Instead of `type: STATIC`. */
const namedCluster = (config: Fields, port = 1): Fields => ({
  type: undefined,
  cluster_type: {
    name: "envoy.cluster.dns",
    typed_config: { "@type": `${TYPE}.extensions.clusters.dns.v3.DnsCluster`, ...config },
  },
  load_assignment: {
    cluster_name: "named",
    endpoints: [
      {
        lb_endpoints: [{ endpoint: { address: { socket_address: { address: "localhost", port_value: port } } } }],
      },
    ],
  },
});

describe.skipIf(skip)("a file is taken or refused as by real Envoy", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-users-files-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const verdict = async (engine: Engine, file: string) => {
    const argv =
      engine === "envoy" ? [envoyPath() ?? ""] : [process.execPath, resolve(import.meta.dir, "rig/run-proxy.ts")];
    const child = Bun.spawn([...argv, "-c", file, "--mode", "validate"], { stdout: "pipe", stderr: "pipe" });
    const [said] = await Promise.all([new Response(child.stderr).text(), new Response(child.stdout).text()]);
    return { taken: (await child.exited) === 0, said };
  };
  const filters = (...list: Fields[]) => ({ http_filters: [...list, ROUTER] });
  const file = (options: Fields, own: Fields = {}) =>
    stringify({
      static_resources: {
        listeners: [listener("web", 1, [httpFilterChain("app", options)])],
        clusters: [{ ...cluster("app", [1], "http1"), ...own }],
      },
    });
  const rest = file({});

  test.each([
    ["anchors under an ignored key", `!ignore shared:\n- &wait 3s\n${rest}stats_flush_interval: *wait\n`, ""],
    ["an unknown key", `${rest}stats_flush_intervall: 3s\n`, "did you mean stats_flush_interval?"],
    ["a number for a text", file({}, { alt_stat_name: 7 }), "clusters[0].alt_stat_name: wants a text"],
    [
      "a time without its unit",
      file({}, { connect_timeout: 5 }),
      "connect_timeout: wants a time in seconds such as 5s",
    ],
    ["a time with minutes", file({}, { connect_timeout: "1m" }), "connect_timeout: wants a time in seconds such as 5s"],
    ["a list for one thing", file({}, { load_assignment: [] }), "load_assignment: wants the fields of"],
    ["one thing for a list", file({}, { health_checks: {} }), "health_checks: wants a list"],
    ["a text for a number", file({ max_request_headers_kb: "70" }), ""],
    ["an unknown name", file({ codec_type: "HTTP" }), "codec_type: envoy.extensions"],
    ["two of one group", file({ rds: { route_config_name: "a" } }), "only one of both can be"],
    ["a check's service without a scheme", file(filters(authorized("auth-service:9000"))), ""],
    ["a check's service with a name alone", file(filters(authorized("auth-service"))), ""],
    ["a check's service without a name", file(filters(authorized(""))), "server_uri: the service needs a uri"],
    [
      "a kind of cluster by its name",
      file({}, { type: undefined, cluster_type: { name: "envoy.cluster.static" } }),
      "",
    ],
    ["a cluster with names of its own kind", file({}, namedCluster({ dns_refresh_rate: "3s" })), ""],
    [
      "a kind of cluster that there is not",
      file({}, { type: undefined, cluster_type: { name: "a" } }),
      "no cluster type a",
    ],
    ["names that fail at once", file({}, namedCluster({ dns_failure_refresh_rate: {} })), "base_interval: must be"],
    ["keys at https", file(filters(keysFrom("https://keys.test:443/jwks"))), ""],
    ["keys without a scheme", file(filters(keysFrom("keys.test:9000/jwks"))), "a uri that begins with http://"],
  ])(
    "%s",
    async (name, text, sentence) => {
      const path = join(folder, `${name.replaceAll(/\W/g, "-")}.yaml`);
      writeFileSync(path, text);
      const [ours, envoy] = await Promise.all(ENGINES.map((engine) => verdict(engine, path)));
      expect({ taken: ours?.taken, said: ours?.said }).toMatchObject({ taken: envoy?.taken });
      expect(ours?.taken).toBe(sentence === "");
      expect(ours?.said).toContain(sentence);
    },
    60_000,
  );
});

/** Listeners, each with what is special about it. */
const ZIPKIN = {
  provider: {
    name: "zipkin",
    typed_config: {
      "@type": `${TYPE}.config.trace.v3.ZipkinConfig`,
      collector_cluster: "app",
      collector_endpoint: "/spans",
      collector_endpoint_version: "HTTP_JSON",
    },
  },
};
const unsampled = { ...ZIPKIN, overall_sampling: { value: 0 } };
const decorated = (decorator: Fields | undefined, extra: Fields = {}, to = "app"): Fields => ({
  route_config: {
    name: "r",
    virtual_hosts: [
      {
        name: "v",
        domains: ["*"],
        routes: [
          { match: { path: "/direct" }, direct_response: { status: 200 }, ...(decorator && { decorator }) },
          { match: { prefix: "/" }, route: { cluster: to }, ...(decorator && { decorator }) },
        ],
      },
    ],
  },
  ...extra,
});
const op = { operation: "lookup" };
const withOrigins = (allow_origin_string_match: readonly Fields[]): Fields => {
  const policy = { "@type": `${HTTP_FILTERS}.cors.v3.CorsPolicy`, allow_origin_string_match };
  const routes = [{ match: { prefix: "/" }, route: { cluster: "app" } }];
  return {
    route_config: {
      name: "r",
      virtual_hosts: [
        { name: "v", domains: ["*"], typed_per_filter_config: { "envoy.filters.http.cors": policy }, routes },
      ],
    },
    http_filters: [
      { name: "envoy.filters.http.cors", typed_config: { "@type": `${HTTP_FILTERS}.cors.v3.Cors` } },
      ROUTER,
    ],
  };
};
const LISTENERS: Readonly<Record<string, readonly [options: Fields, direction?: string]>> = {
  plain: [{}],
  edge: [{ use_remote_address: true }],
  "https scheme": [{ scheme_header_transformation: { scheme_to_overwrite: "https" } }],
  "edge with https scheme": [
    { use_remote_address: true, scheme_header_transformation: { scheme_to_overwrite: "https" } },
  ],
  "names of operations, inbound": [decorated(op, { tracing: ZIPKIN }), "INBOUND"],
  "names of operations, outbound": [decorated(op, { tracing: ZIPKIN }), "OUTBOUND"],
  "names of operations, unspecified": [decorated(op, { tracing: unsampled })],
  "names of operations, outbound, not recorded": [decorated(op, { tracing: unsampled }), "OUTBOUND"],
  "names that stay, inbound": [decorated({ ...op, propagate: false }, { tracing: ZIPKIN }), "INBOUND"],
  "names that stay, outbound": [decorated({ ...op, propagate: false }, { tracing: ZIPKIN }), "OUTBOUND"],
  "no names, inbound": [decorated(undefined, { tracing: ZIPKIN }), "INBOUND"],
  "no names, outbound": [decorated(undefined, { tracing: ZIPKIN }), "OUTBOUND"],
  "names without tracing": [decorated(op)],
  "any origin by an expression": [withOrigins([{ safe_regex: { regex: "\\*" } }])],
  "any origin by a beginning": [withOrigins([{ prefix: "*" }])],
  "one origin": [withOrigins([{ exact: "http://one.test" }])],
  "a cluster of names": [decorated(undefined, {}, "named")],
  "checked by a service": [{ http_filters: [authorized("auth-service:9000"), ROUTER] }],
};

const OUTSIDERS = `x-envoy-retry-on: 5xx
x-envoy-retry-grpc-on: cancelled
x-envoy-max-retries: 1
x-envoy-retriable-status-codes: 500
x-envoy-retriable-header-names: a
x-envoy-upstream-alt-stat-name: a
x-envoy-upstream-rq-timeout-ms: 90000
x-envoy-upstream-rq-per-try-timeout-ms: 80000
x-envoy-upstream-rq-timeout-alt-response: 1
x-envoy-upstream-stream-duration-ms: 90000
x-envoy-expected-rq-timeout-ms: 70000
x-envoy-force-trace: 1
x-envoy-ip-tags: a
x-envoy-original-url: u
x-envoy-hedge-on-per-try-timeout: true
x-envoy-decorator-operation: mine
x-envoy-downstream-service-cluster: c
x-envoy-downstream-service-node: n
x-envoy-internal: true
x-envoy-original-path: /p
x-envoy-attempt-count: 3
x-forwarded-for: 10.0.0.1
x-forwarded-proto: http`.split("\n");

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"];
const REQUESTS: readonly (readonly [string, readonly string[]])[] = [
  ...METHODS.map((method) => [`${method} / HTTP/1.1`, []] as const),
  ["GET /direct HTTP/1.1", []],
  ["GET /page HTTP/1.1", ["origin: http://one.test"]],
  ["GET /page HTTP/1.1", ["origin: http://two.test"]],
  ["OPTIONS /page HTTP/1.1", ["origin: http://two.test", "access-control-request-method: GET"]],
  ["GET /all HTTP/1.1", OUTSIDERS],
  ["GET /empty HTTP/1.1", ["x-envoy-decorator-operation: "]],
  ["GET /named HTTP/1.1", ["x-answer: named"]],
];

/** Differ from run to run, or are compared elsewhere. */
const VOLATILE = /^(x-request-id|date|x-envoy-upstream-service-time|x-envoy-expected-rq-timeout-ms|x-b3-\w+|x-case):/;
const lines = (head: string) =>
  head
    .split("\r\n")
    .filter((line) => line !== "" && !VOLATILE.test(line))
    .map((line) => line.replace(/127\.0\.0\.1:\d+/, "ADDRESS"))
    .sort();

describe.skipIf(skip)("headers at both ends are real Envoy's", () => {
  const proxies: ProxyProcess[] = [];
  const ports = new Map<string, number>();
  let origin: Origin;

  beforeAll(async () => {
    origin = await startOrigin(({ head, socket }) => {
      const named = head.includes("x-answer: named") ? "x-envoy-decorator-operation: theirs\r\n" : "";
      socket.write(`HTTP/1.1 200 OK\r\n${named}content-length: 0\r\n\r\n`);
    });
    await Promise.all(
      ENGINES.map(async (engine) => {
        const names = Object.entries(LISTENERS);
        const free = freePorts(names.length + 1);
        const listeners = names.map(([name, [options, direction]], i) => {
          ports.set(`${engine} ${name}`, free[i] ?? 0);
          return listener(name, free[i] ?? 0, [httpFilterChain("app", options)], {
            traffic_direction: direction ?? "UNSPECIFIED",
          });
        });
        const family = { dns_lookup_family: "V4_ONLY" };
        const clusters = [
          cluster("app", [origin.port], "http1"),
          { ...cluster("named", [], "http1"), ...namedCluster(family, origin.port) },
        ];
        const bootstrap = { node: { id: "n", cluster: "c" }, static_resources: { listeners, clusters } };
        proxies.push(await startProxy({ engine, bootstrap, adminPort: free.at(-1) ?? 0 }));
      }),
    );
  }, 60_000);

  afterAll(async () => {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    origin.close();
  });

  const ask = async (engine: Engine, name: string, start: string, headers: readonly string[], id: string) => {
    const client = await connectRaw(ports.get(`${engine} ${name}`) ?? 0);
    const mark = `x-case: ${engine} ${id}`;
    client.send(`${start}\r\nhost: a.test\r\n${mark}\r\n${headers.map((line) => `${line}\r\n`).join("")}\r\n`);
    const answer = await client.until((text) => text.includes("\r\n\r\n"), 20_000);
    client.close();
    return {
      client: lines(answer),
      server: origin.heads.filter((head) => head.split("\r\n").includes(mark)).map(lines),
    };
  };

  test.each(Object.keys(LISTENERS))("%s", async (name) => {
    let forwarded = 0;
    for (const [i, [start, headers]] of REQUESTS.entries()) {
      const id = `${name} ${i}`;
      const [ours, envoy] = await Promise.all(ENGINES.map((engine) => ask(engine, name, start, headers, id)));
      expect({ start, ...ours }).toEqual({ start, ...envoy });
      forwarded += ours?.server.length ?? 0;
    }
    expect(forwarded).toBeGreaterThanOrEqual(METHODS.length);
  }, 60_000);
});
