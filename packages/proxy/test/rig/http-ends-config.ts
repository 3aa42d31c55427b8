import { cluster, httpFilterChain, type Json, listener } from "./bootstrap.ts";
import { END_FIELDS } from "./closing-config.ts";

const EXT = "type.googleapis.com/envoy.extensions";

/** Every listener of the bootstrap; each serves HTTP and ends requests or connections in one way. */
export const HTTP_ENDERS = [
  "one",
  "two",
  "heads",
  "heads2",
  "quiet",
  "idle",
  "aged",
  "hasty",
  "prompt",
  "dead",
  "secure",
  "silent",
  "tunnel",
] as const;
export type HttpEnder = (typeof HTTP_ENDERS)[number];
export type HttpEnderPorts = Readonly<Record<HttpEnder, number>>;

export interface HttpEndsPlan {
  readonly ports: HttpEnderPorts;
  /** Answers by path, over HTTP/1 and HTTP/2. */
  readonly one: number;
  readonly two: Readonly<Record<string, number>>;
  /** Accepts, and says nothing. */
  readonly silent: number;
  readonly root: string;
  readonly log: string;
}

export function httpEndsBootstrap(plan: HttpEndsPlan): Json {
  const access_log = [
    {
      name: "file",
      typed_config: {
        "@type": `${EXT}.access_loggers.file.v3.FileAccessLog`,
        path: plan.log,
        log_format: {
          json_format: Object.fromEntries(
            [...END_FIELDS, "PROTOCOL", "REQUEST_HEADER(:METHOD)"].map((name) => [name, `%${name}%`]),
          ),
        },
      },
    },
  ];
  const web = (name: HttpEnder, target: string, fields: Json = {}, route: Json = {}): Json =>
    httpFilterChain(target, { access_log, stat_prefix: name, ...fields }, route);
  const chains: Readonly<Record<HttpEnder, Json>> = {
    one: web("one", "one"),
    two: web("two", "two", {
      route_config: {
        virtual_hosts: [
          {
            name: "all",
            domains: ["*"],
            routes: Object.keys(plan.two).map((path) => ({
              match: { path },
              route: { cluster: `two${path}`, timeout: "0s" },
            })),
          },
        ],
      },
    }),
    heads: web("heads", "one", { request_headers_timeout: "0.3s" }),
    heads2: web("heads2", "one", { request_headers_timeout: "0.3s", codec_type: "HTTP2" }),
    quiet: web("quiet", "one", { stream_idle_timeout: "0.5s" }),
    // By default a client has five seconds to go.
    idle: web("idle", "one", { common_http_protocol_options: { idle_timeout: "0.5s" }, drain_timeout: "0.5s" }),
    aged: web("aged", "one", {
      common_http_protocol_options: { max_connection_duration: "0.5s" },
      drain_timeout: "0.5s",
    }),
    hasty: web("hasty", "one", {
      common_http_protocol_options: { max_connection_duration: "0.5s" },
      drain_timeout: "0.3s",
      delayed_close_timeout: "0.2s",
    }),
    prompt: web("prompt", "one", {
      common_http_protocol_options: { idle_timeout: "0.5s" },
      request_headers_timeout: "0.3s",
      drain_timeout: "0.3s",
      delayed_close_timeout: "0s",
    }),
    dead: web("dead", "dead"),
    secure: web("secure", "secure"),
    silent: web("silent", "silent"),
    tunnel: web("tunnel", "one", {
      upgrade_configs: [{ upgrade_type: "websocket" }, { upgrade_type: "CONNECT" }],
      route_config: {
        virtual_hosts: [
          {
            name: "all",
            domains: ["*"],
            routes: [
              {
                match: { connect_matcher: {} },
                route: { cluster: "one", upgrade_configs: [{ upgrade_type: "CONNECT", connect_config: {} }] },
              },
              { match: { prefix: "/" }, route: { cluster: "one", timeout: "0s" } },
            ],
          },
        ],
      },
    }),
  };
  const secure = {
    transport_socket: {
      name: "tls",
      typed_config: {
        "@type": `${EXT}.transport_sockets.tls.v3.UpstreamTlsContext`,
        common_tls_context: { validation_context: { trusted_ca: { filename: plan.root } } },
      },
    },
  };
  return {
    static_resources: {
      listeners: HTTP_ENDERS.map((name) =>
        listener(name, plan.ports[name], [chains[name]], { access_log, stat_prefix: name }),
      ),
      clusters: [
        cluster("one", [plan.one], "http1"),
        ...Object.entries(plan.two).map(([path, port]) => cluster(`two${path}`, [port], "http2")),
        cluster("dead", [1], "http1"),
        cluster("secure", [plan.one], "http1", secure),
        cluster("silent", [plan.silent], "http1", { ...secure, connect_timeout: "0.3s" }),
      ],
    },
  };
}
