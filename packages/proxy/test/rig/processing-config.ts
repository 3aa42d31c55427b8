import { cluster, httpFilterChain, type Json, listener } from "./bootstrap.ts";

const TYPE = "type.googleapis.com/envoy.extensions";
const OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const METHOD = "envoy.extensions.filters.http";

/** One processor in the chain, on for its own path. */
export interface ProcessingFilter {
  readonly name: string;
  readonly filter: Json;
  /** Another filter waits for the whole request first. */
  readonly buffered?: boolean;
  /** Of the route; default: none of its own. */
  readonly route?: Json;
}

export const LOG_FORMAT =
  "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %BYTES_RECEIVED% %BYTES_SENT%\n";

/** All cases in one connection manager: `/NAME/h1/…` goes through the processor of that name to an HTTP/1 server. */
export function processingBootstrap(
  ports: {
    readonly listen: number;
    readonly h1: number;
    readonly h2: number;
    readonly processor: number;
    readonly nobody: number;
  },
  cases: readonly ProcessingFilter[],
  logPath: string,
): Json {
  const filters = cases.map(({ name, filter }) => ({
    name,
    disabled: true,
    typed_config: {
      "@type": `${TYPE}.filters.http.ext_proc.v3.ExternalProcessor`,
      grpc_service: { envoy_grpc: { cluster_name: "processor" }, initial_metadata: [{ key: "x-case", value: name }] },
      message_timeout: "20s",
      stat_prefix: name,
      ...filter,
    },
  }));
  const routes = cases.flatMap(({ name, route, buffered }) =>
    ["h1", "h2"].map((to) => ({
      match: { prefix: `/${name}/${to}/` },
      route: { cluster: to, prefix_rewrite: "/", timeout: "0s" },
      response_headers_to_add: [{ header: { key: "x-route", value: name } }],
      typed_per_filter_config: {
        ...(buffered === true
          ? {
              buffer: {
                "@type": `type.googleapis.com/${METHOD}.buffer.v3.BufferPerRoute`,
                buffer: { max_request_bytes: 500_000 },
              },
            }
          : {}),
        [name]: {
          "@type": `type.googleapis.com/${METHOD}.ext_proc.v3.ExtProcPerRoute`,
          ...(route ?? { overrides: {} }),
        },
      },
    })),
  );
  const manager: Json = {
    http_protocol_options: { enable_trailers: true },
    stat_prefix: "in",
    http_filters: [
      {
        name: "buffer",
        disabled: true,
        typed_config: { "@type": `${TYPE}.filters.http.buffer.v3.Buffer`, max_request_bytes: 1000 },
      },
      ...filters,
      { name: "router", typed_config: { "@type": `${TYPE}.filters.http.router.v3.Router` } },
    ],
    route_config: {
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: [
            {
              match: { prefix: "/", headers: [{ name: "x-move", string_match: { exact: "yes" } }] },
              direct_response: { status: 299, body: { inline_string: "moved" } },
            },
            ...routes,
          ],
        },
      ],
    },
    access_log: [
      {
        name: "file",
        typed_config: {
          "@type": `${TYPE}.access_loggers.file.v3.FileAccessLog`,
          path: logPath,
          log_format: { text_format_source: { inline_string: LOG_FORMAT } },
        },
      },
    ],
  };
  const withTrailers = {
    typed_extension_protocol_options: {
      [OPTIONS]: {
        "@type": `type.googleapis.com/${OPTIONS}`,
        explicit_http_config: { http_protocol_options: { enable_trailers: true } },
      },
    },
  };
  return {
    static_resources: {
      listeners: [listener("in", ports.listen, [httpFilterChain("h1", manager)])],
      clusters: [
        cluster("h1", [ports.h1], "http1", withTrailers),
        cluster("h2", [ports.h2], "http2"),
        cluster("processor", [ports.processor], "http2"),
        cluster("nobody", [ports.nobody], "http2"),
      ],
    },
  };
}
