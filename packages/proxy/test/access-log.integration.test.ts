/** Access logs and local replies: the same configuration in real Envoy and here, line by line. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@heddle/std/free-ports";
import { ask } from "./rig/ask.ts";
import { cluster, type Json, listener, tcpFilterChain } from "./rig/bootstrap.ts";
import { withoutEnvoy } from "./rig/engines.ts";
import { eventually } from "./rig/eventually.ts";
import { type LogCollector, startLogCollector } from "./rig/log-collector.ts";
import { startLogService } from "./rig/log-service.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { connectRaw } from "./rig/raw-client.ts";

const skip = withoutEnvoy();

const TYPE = "type.googleapis.com/envoy.extensions";
const ENGINES = ["ours", "envoy"] as const;

/** Operators whose values two proxies can agree on. */
const TEXT = [
  "%START_TIME(%Y-%m)%",
  "%START_TIME(%b %d %H)%",
  "%EMIT_TIME(%Y)%",
  "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %REQ(:AUTHORITY):5% %REQ(NONE)%",
  "%REQUEST_HEADER(X-ONE)% %RESPONSE_HEADER(X-ORIGIN)%",
  "%PATH(WQ:ORIG)% %PATH(NQ:PATH)% %QUERY_PARAM(a)% %QUERY_PARAM(none)%",
  "%PROTOCOL% %UPSTREAM_PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG% %RESPONSE_CODE_DETAILS%",
  "%BYTES_RECEIVED% %BYTES_SENT% %UPSTREAM_REQUEST_ATTEMPT_COUNT% %UPSTREAM_CLUSTER% %ROUTE_NAME%",
  "%UPSTREAM_HOST% %UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %UPSTREAM_REMOTE_PORT% %UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%",
  "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%",
  "%REQUESTED_SERVER_NAME% %DOWNSTREAM_PEER_SUBJECT% %DOWNSTREAM_TLS_VERSION% %GRPC_STATUS% %GRPC_STATUS_NUMBER%",
  "%METADATA(ROUTE:place:shelf)% %DYNAMIC_METADATA(none:a)% %ACCESS_LOG_TYPE% %STREAM_ID%",
  "%UPSTREAM_METADATA(envoy.lb:version)% %VIRTUAL_CLUSTER_NAME% %FILTER_CHAIN_NAME% %HOSTNAME% 100%%",
].join(" | ");

/** What Istio publishes as the default of MeshConfig's `accessLogFormat` (translate's access-log.test.ts: ours is the same). */
const ISTIO_TEXT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%';
/** The same fields by the names of Istio's JSON form. */
const ISTIO_JSON = Object.fromEntries(
  (
    "start_time=START_TIME route_name=ROUTE_NAME method=REQ(:METHOD) path=REQ(X-ENVOY-ORIGINAL-PATH?:PATH) protocol=PROTOCOL response_code=RESPONSE_CODE " +
    "response_flags=RESPONSE_FLAGS response_code_details=RESPONSE_CODE_DETAILS connection_termination_details=CONNECTION_TERMINATION_DETAILS " +
    "bytes_received=BYTES_RECEIVED bytes_sent=BYTES_SENT duration=DURATION upstream_service_time=RESP(X-ENVOY-UPSTREAM-SERVICE-TIME) " +
    "x_forwarded_for=REQ(X-FORWARDED-FOR) user_agent=REQ(USER-AGENT) request_id=REQ(X-REQUEST-ID) authority=REQ(:AUTHORITY) upstream_host=UPSTREAM_HOST " +
    "upstream_cluster=UPSTREAM_CLUSTER_RAW upstream_local_address=UPSTREAM_LOCAL_ADDRESS downstream_local_address=DOWNSTREAM_LOCAL_ADDRESS " +
    "downstream_remote_address=DOWNSTREAM_REMOTE_ADDRESS requested_server_name=REQUESTED_SERVER_NAME " +
    "upstream_transport_failure_reason=UPSTREAM_TRANSPORT_FAILURE_REASON"
  )
    .split(" ")
    .map((pair) => pair.split("="))
    .map(([name = "", command = ""]) => [name, `%${command}%`]),
);

/** Times, ports and what the system says of a refused connection are each run's own; that they stand there is not. */
function masked(line: string): string {
  return line
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "TIME")
    .replace(/127\.0\.0\.1:\d+/g, "ADDRESS")
    .replace(/\|delayed[^}]*/, "")
    .replace(/"(delayed_connect_error|ECONNREFUSED)[^"]*"/, '"REFUSED"')
    .replace(
      /(" \d+ \d+) \d+ (\d+|-) "/,
      (_, before: string, server: string) => `${before} MS ${server === "-" ? "-" : "MS"} "`,
    )
    .replace(/"(duration|upstream_service_time)":"?\d+"?/g, '"$1":"MS"');
}

/** Lines in the file of each condition, and of each other filter, so that a test knows when a file is whole. */
const CONDITION_LINES = [4, 3, 2, 1, 1, 2, 2, 1, 3, 1, 1, 3, 3];
const FILTERED: Readonly<Record<string, number>> = {
  failed: 1,
  "by-header": 2,
  "by-flag": 2,
  "by-grpc": 2,
  both: 1,
  "by-share": 1,
  ...Object.fromEntries(CONDITION_LINES.map((count, i) => [`condition-${i}`, count])),
};

/** Conditions that both must answer alike. */
const CONDITIONS = [
  "response.code >= 400 && response.code < 500",
  "request.method == 'POST' || 'x-log' in request.headers",
  "has(request.headers.traceparent) ? request.path.endsWith('/b') : request.url_path == '/nowhere'",
  "request.headers['X-One'] == '1'",
  "!(request.host in ['log.test', 'other']) || request.query.contains('b=2')",
  "request.url_path.matches('^/[dn].*e(ad|re)$')",
  "response.code == 200 && request.method == 'GET' && size(request.headers['x-request-id']) == 4",
  "response.code / 100 * 100 + response.code % 100 == 410",
  "xds.cluster_name == 'dead' || response.headers['x-origin'] == 'a'",
  "request.size > 2 && int('3') == request.size && request.protocol == 'HTTP/1.1'",
  "has(request.referer) || connection.mtls || response.code == 503",
  "destination.port > 1024 && source.address.startsWith('127.0.0.1:') && xds.route_name == 'here'",
  "request.headers['none'] == 'a' || response.code == 418",
];

function bootstrap(listen: number, tcp: number, origin: number, logs: number, collector: number, folder: string): Json {
  const file = (name: string, format: Json, filter?: Json): Json => ({
    name,
    ...(filter === undefined ? {} : { filter }),
    typed_config: {
      "@type": `${TYPE}.access_loggers.file.v3.FileAccessLog`,
      path: join(folder, name),
      log_format: format,
    },
  });
  const json = {
    status: "%RESPONSE_CODE%",
    both: "%RESPONSE_CODE% %PROTOCOL%",
    missing: "%REQ(NONE)%",
    number: 7,
    deep: { path: "%REQ(:PATH)%", list: ["%REQ(:METHOD)%", true] },
  };
  const line = { text_format_source: { inline_string: "%REQ(:PATH)%\n" } };
  const header = (name: string, exact: string): Json => ({ header: { name, string_match: { exact } } });
  const status = (op: string, value: number): Json => ({
    status_code_filter: { comparison: { op, value: { default_value: value, runtime_key: "a" } } },
  });
  const manager = {
    "@type": `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "logs",
    access_log: [
      file("text", { text_format_source: { inline_string: `${TEXT}\n` } }),
      file("json", { json_format: json }),
      file("omit", { json_format: json, omit_empty_values: true }),
      file("istio-text", { text_format_source: { inline_string: `${ISTIO_TEXT}\n` } }),
      file("istio-json", { json_format: ISTIO_JSON }),
      file("failed", line, status("GE", 500)),
      file("by-header", line, { header_filter: header("x-log", "yes") }),
      file("by-flag", line, { response_flag_filter: { flags: ["NR", "UF"] } }),
      file("by-grpc", line, { grpc_status_filter: { statuses: ["UNAVAILABLE"] } }),
      file("both", line, { and_filter: { filters: [status("GE", 400), { header_filter: header("x-log", "yes") }] } }),
      file("by-share", line, {
        and_filter: {
          filters: [
            { header_filter: header("x-share", "yes") },
            { runtime_filter: { runtime_key: "none", percent_sampled: { numerator: 50 } } },
          ],
        },
      }),
      ...CONDITIONS.map((expression, i) =>
        file(`condition-${i}`, line, {
          extension_filter: {
            name: "cel",
            typed_config: { "@type": `${TYPE}.access_loggers.filters.cel.v3.ExpressionFilter`, expression },
          },
        }),
      ),
      {
        name: "als",
        typed_config: {
          "@type": `${TYPE}.access_loggers.grpc.v3.HttpGrpcAccessLogConfig`,
          common_config: {
            log_name: "mesh",
            transport_api_version: "V3",
            buffer_flush_interval: "0.1s",
            grpc_service: {
              envoy_grpc: { cluster_name: "logs" },
              initial_metadata: [{ key: "x-mesh", value: "100%%" }],
            },
          },
          additional_request_headers_to_log: ["X-One"],
          additional_response_headers_to_log: ["x-origin", "none"],
        },
      },
      {
        name: "otel",
        typed_config: {
          "@type": `${TYPE}.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig`,
          common_config: {
            log_name: "otel",
            transport_api_version: "V3",
            buffer_flush_interval: "0.1s",
            grpc_service: { envoy_grpc: { cluster_name: "collector" } },
          },
          resource_attributes: { values: [{ key: "region", value: { string_value: "north" } }] },
          body: { string_value: "%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %REQ(NONE)%" },
          attributes: {
            values: [
              { key: "flags", value: { string_value: "%RESPONSE_FLAGS%" } },
              {
                key: "deep",
                value: {
                  kvlist_value: {
                    values: [
                      { key: "route", value: { string_value: "%ROUTE_NAME%" } },
                      {
                        key: "list",
                        value: { array_value: { values: [{ string_value: "%PROTOCOL%" }, { string_value: "fixed" }] } },
                      },
                    ],
                  },
                },
              },
            ],
          },
        },
      },
    ],
    local_reply_config: {
      mappers: [
        {
          filter: status("EQ", 404),
          status_code: 410,
          body: { inline_string: "nothing here" },
          headers_to_add: [{ header: { key: "x-mapped", value: "%REQ(:PATH)%" } }],
        },
        {
          filter: { response_flag_filter: { flags: ["UF"] } },
          body: { inline_string: "unreachable" },
          body_format_override: {
            text_format_source: { inline_string: "%RESPONSE_CODE% %LOCAL_REPLY_BODY%" },
            content_type: "text/html",
          },
        },
      ],
      body_format: { json_format: { code: "%RESPONSE_CODE%", message: "%LOCAL_REPLY_BODY%", path: "%REQ(:PATH)%" } },
    },
    http_filters: [{ name: "router", typed_config: { "@type": `${TYPE}.filters.http.router.v3.Router` } }],
    route_config: {
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: [
            {
              name: "here",
              match: { prefix: "/here" },
              route: { cluster: "origin", prefix_rewrite: "/there" },
              metadata: { filter_metadata: { place: { shelf: "top" } } },
            },
            { match: { prefix: "/direct" }, direct_response: { status: 418, body: { inline_string: "teapot" } } },
            { match: { prefix: "/dead" }, route: { cluster: "dead" } },
          ],
        },
      ],
    },
  };
  const tcpLog = {
    name: "als",
    typed_config: {
      "@type": `${TYPE}.access_loggers.grpc.v3.TcpGrpcAccessLogConfig`,
      common_config: {
        log_name: "connections",
        transport_api_version: "V3",
        buffer_flush_interval: "0.1s",
        grpc_service: { envoy_grpc: { cluster_name: "logs" } },
      },
    },
  };
  return {
    node: { id: "n", cluster: "tests" },
    static_resources: {
      listeners: [
        listener("in", listen, [{ filters: [{ name: "http", typed_config: manager }] }]),
        listener("tcp", tcp, [tcpFilterChain("origin", { access_log: [tcpLog] })]),
      ],
      clusters: [
        cluster("origin", [origin], "http1"),
        cluster("dead", [1], "http1"),
        cluster("logs", [logs], "http2"),
        cluster("collector", [collector], "http2"),
      ],
    },
  };
}

describe.skipIf(skip)("access logs and local replies as real Envoy has them", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-log-test-"));
  const proxies: ProxyProcess[] = [];
  const ports = new Map<string, number>();
  const tcpPorts = new Map<string, number>();
  const admin = new Map<string, number>();
  const services = new Map<string, Awaited<ReturnType<typeof startLogService>>>();
  const collectors = new Map<string, LogCollector>();
  let origin: ReturnType<typeof Bun.serve>;

  beforeAll(async () => {
    origin = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 0,
      fetch: (incoming) =>
        new URL(incoming.url).pathname.endsWith("/grpc")
          ? new Response("", { headers: { "content-type": "application/grpc", "grpc-status": "14" } })
          : new Response("hello", { headers: { "x-origin": "a" } }),
    });
    for (const engine of ENGINES) {
      const [listen = 0, adminPort = 0, tcp = 0] = freePorts(3);
      const service = await startLogService();
      services.set(engine, service);
      const collector = await startLogCollector();
      collectors.set(engine, collector);
      ports.set(engine, listen);
      tcpPorts.set(engine, tcp);
      admin.set(engine, adminPort);
      const own = mkdtempSync(join(folder, `${engine}-`));
      folders.set(engine, own);
      proxies.push(
        await startProxy({
          engine: engine === "ours" ? "heddle" : "envoy",
          bootstrap: bootstrap(listen, tcp, origin.port ?? 0, service.port, collector.port, own),
          adminPort,
          args: engine === "ours" ? [] : ["--file-flush-interval-msec", "100"],
        }),
      );
    }
  }, 40_000);
  const folders = new Map<string, string>();

  afterAll(async () => {
    for (const proxy of proxies) await proxy.stop();
    for (const service of [...services.values(), ...collectors.values()]) service.close();
    await origin?.stop(true);
    rmSync(folder, { recursive: true, force: true });
  });

  const requests: readonly (readonly [path: string, headers: Record<string, string>, body?: string])[] = [
    ["/here/a?a=1&b=2", { "x-one": "1", "x-request-id": "id-1", "x-log": "yes" }],
    [
      "/here/b",
      { "x-request-id": "id-2", traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
      "abc",
    ],
    ["/here/grpc", { "x-request-id": "id-3", "content-type": "application/grpc" }],
    ["/nowhere", { "x-request-id": "id-4", "x-log": "yes" }],
    ["/dead", { "x-request-id": "id-5" }],
    ["/direct", { "x-request-id": "id-6" }],
    // The first 32 bits of the id, modulo 100, against a share of 50.
    ["/direct/in", { "x-request-id": "00000095-0000-4000-8000-000000000000", "x-share": "yes" }],
    ["/direct/out", { "x-request-id": "00000096-0000-4000-8000-000000000000", "x-share": "yes" }],
  ];

  test("answers, lines, and entries for the service", async () => {
    for (const [path, headers, body] of requests) {
      const sent = body === undefined ? {} : { method: "POST", body };
      const [ours, envoy] = await Promise.all(
        ENGINES.map((engine) => ask(ports.get(engine) ?? 0, { name: "", host: "log.test", path, headers, ...sent })),
      );
      expect(ours).toEqual(envoy as NonNullable<typeof envoy>);
    }
    const names = ["text", "json", "omit", "failed", "by-header", "by-flag", "by-grpc", "both", "by-share"].concat(
      CONDITIONS.map((_, i) => `condition-${i}`),
    );
    const lines = (engine: string, name: string) =>
      readFileSync(join(folders.get(engine) ?? "", name), "utf8")
        .split("\n")
        .slice(0, -1);
    /** Envoy writes each file when it is that file's turn. */
    const written = async (name: string): Promise<readonly (readonly string[])[]> => {
      const count = FILTERED[name] ?? requests.length;
      await eventually(`${count} lines in ${name}`, () =>
        ENGINES.every((engine) => lines(engine, name).length >= count),
      );
      return ENGINES.map((engine) => lines(engine, name));
    };
    for (const name of names) {
      const [ours, envoy] = await written(name);
      const read = (list: readonly string[] = []) =>
        name === "json" || name === "omit"
          ? list.map((l) => JSON.parse(l))
          : // What the system says of a refused connection is its own.
            list.map((l) => l.replace(/\|delayed[^}]*/, ""));
      expect({ name, lines: read(ours) }).toEqual({ name, lines: read(envoy) });
      // No condition that lets nothing or everything through proves much.
      if (name.startsWith("condition")) {
        expect(ours?.length).toBeGreaterThan(0);
        expect(ours?.length).toBeLessThan(requests.length);
      }
      if (name === "by-share") expect(ours).toEqual(["/direct/in"]);
    }
    for (const name of ["istio-text", "istio-json"]) {
      const read = (line: string): unknown => (name === "istio-json" ? JSON.parse(masked(line)) : masked(line));
      const [ours, envoy] = (await written(name)).map((list) => list.map(read));
      expect(ours).toHaveLength(requests.length);
      expect(ours).toEqual(envoy as NonNullable<typeof envoy>);
    }
    expect(lines("ours", "istio-text").map(masked)[0]).toBe(
      '[TIME] "GET /here/a?a=1&b=2 HTTP/1.1" 200 - via_upstream - "-" 0 5 MS MS "-" "-" "id-1" "log.test" "ADDRESS" origin ADDRESS ADDRESS ADDRESS - here',
    );
    const entries = (engine: string) =>
      (services.get(engine)?.messages ?? []).flatMap((message) =>
        message.logEntries.case === "httpLogs" ? message.logEntries.value.logEntry : [],
      );
    await eventually("all entries", () => ENGINES.every((engine) => entries(engine).length === requests.length));
    const [ours, envoy] = ENGINES.map((engine) =>
      entries(engine).map(({ request, response, commonProperties, protocolVersion }) => ({
        protocolVersion,
        request: { ...request, requestHeadersBytes: 0, upstreamHeaderBytesSent: 0, downstreamHeaderBytesReceived: 0 },
        response: {
          ...response,
          responseHeadersBytes: 0,
          upstreamHeaderBytesReceived: 0,
          downstreamHeaderBytesSent: 0,
          responseCodeDetails: "",
        },
        cluster: commonProperties?.upstreamCluster,
        flags: commonProperties?.responseFlags,
        route: commonProperties?.routeName,
        attempts: commonProperties?.upstreamRequestAttemptCount,
        type: commonProperties?.accessLogType,
        stream: commonProperties?.streamId,
      })),
    );
    expect(ours).toEqual(envoy as NonNullable<typeof envoy>);
    for (const engine of ENGINES)
      expect(services.get(engine)?.messages[0]?.identifier).toMatchObject({
        logName: "mesh",
        node: { cluster: "tests" },
      });
    for (const engine of ENGINES) expect([...(services.get(engine)?.meshes ?? [])]).toEqual(["100%%"]);
    // OpenTelemetry's entries: who writes, when, the body, attributes of all kinds.
    await eventually("all records", () =>
      ENGINES.every((engine) => collectors.get(engine)?.records.length === requests.length),
    );
    const [ourRecords, theirRecords] = ENGINES.map((engine) =>
      (collectors.get(engine)?.records ?? []).map(({ timeMs, ...record }) => {
        expect(Math.abs(Date.now() - timeMs)).toBeLessThan(60_000);
        return record;
      }),
    );
    expect(ourRecords).toEqual(theirRecords as NonNullable<typeof theirRecords>);
    expect(ourRecords?.[0]?.body).toBe("GET /there/a?a=1&b=2 200 -");
  }, 30_000);

  test("TCP connections reach the service with their bytes", async () => {
    const request = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    const lengths = new Map<string, number>();
    for (const engine of ENGINES) {
      const client = await connectRaw(tcpPorts.get(engine) ?? 0);
      client.send(request);
      lengths.set(engine, (await client.ended()).length);
      client.close();
    }
    const messages = (engine: string) =>
      (services.get(engine)?.messages ?? []).filter(({ logEntries }) => logEntries.case === "tcpLogs");
    await eventually("both connections", () => ENGINES.every((engine) => messages(engine).length === 1));
    const [ours, envoy] = ENGINES.map((engine) => {
      const [message] = messages(engine);
      const [entry] = message?.logEntries.case === "tcpLogs" ? message.logEntries.value.logEntry : [];
      const { commonProperties, connectionProperties } = entry ?? {};
      return {
        log: message?.identifier?.logName,
        received: Number(connectionProperties?.receivedBytes),
        allSent: Number(connectionProperties?.sentBytes) === lengths.get(engine),
        cluster: commonProperties?.upstreamCluster,
        flags: commonProperties?.responseFlags,
        type: commonProperties?.accessLogType,
        upstream: commonProperties?.upstreamRemoteAddress,
      };
    });
    expect(ours).toEqual(envoy as NonNullable<typeof envoy>);
    expect(ours).toMatchObject({ log: "connections", received: request.length, allSent: true, cluster: "origin" });
  }, 30_000);

  test("a collector that is silent costs entries, counted, and nothing else", async () => {
    const collector = collectors.get("ours");
    if (collector === undefined) throw new Error("no collector");
    const stats = async (name: string) => {
      const text = await (await fetch(`http://127.0.0.1:${admin.get("ours")}/stats?filter=open_telemetry`)).text();
      return Number(new RegExp(`${name}: (\\d+)`).exec(text)?.[1] ?? 0);
    };
    const burst = async (count: number) => {
      for (let i = 0; i < count; i += 20)
        await Promise.all(
          Array.from({ length: 20 }, () =>
            fetch(`http://127.0.0.1:${ports.get("ours")}/direct/${"x".repeat(900)}`).then(async (answer) => {
              expect(answer.status).toBe(418);
              await answer.text();
            }),
          ),
        );
    };
    const written = await stats("logs_written");
    collector.silent = true;
    await burst(200);
    await eventually("dropped entries", async () => (await stats("logs_dropped")) > 0);
    collector.silent = false;
    await eventually("entries again", async () => {
      await burst(20);
      return (await stats("logs_written")) > written;
    });
  }, 40_000);
});
