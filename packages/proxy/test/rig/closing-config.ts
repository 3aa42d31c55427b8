import { cluster, httpFilterChain, type Json, listener, tcpFilterChain } from "./bootstrap.ts";
import type { WorkloadFiles } from "./workloads.ts";

const EXT = "type.googleapis.com/envoy.extensions";

/** Every listener of the bootstrap; each ends its connections in one way. */
export const CLOSERS = [
  "plain",
  "idle",
  "aged",
  "dead",
  "empty",
  "nowhere",
  "denied",
  "limited",
  "rated",
  "direct",
  "mutual",
  "slow",
  "badUpstream",
  "web",
  "webMutual",
  "webDenied",
] as const;
export type Closer = (typeof CLOSERS)[number];
export type CloserPorts = Readonly<Record<Closer, number>>;

/** What the logs say of an end. */
export const END_FIELDS = [
  "LISTENER_NAME",
  "ACCESS_LOG_TYPE",
  "DOWNSTREAM_LOCAL_CLOSE_REASON",
  "UPSTREAM_LOCAL_CLOSE_REASON",
  "CONNECTION_TERMINATION_DETAILS",
  "DOWNSTREAM_TRANSPORT_FAILURE_REASON",
  "UPSTREAM_TRANSPORT_FAILURE_REASON",
  "DOWNSTREAM_DETECTED_CLOSE_TYPE",
  "UPSTREAM_DETECTED_CLOSE_TYPE",
  "RESPONSE_FLAGS",
  "RESPONSE_CODE_DETAILS",
  "RESPONSE_CODE",
] as const;

export interface ClosingPlan {
  readonly ports: CloserPorts;
  /** Answers HTTP. */
  readonly web: number;
  /** Does what the client's first word says: `echo`, `end`, `reset`. */
  readonly talker: number;
  readonly files: WorkloadFiles;
  readonly log: string;
}

export function closingBootstrap(plan: ClosingPlan): Json {
  const access_log = [
    {
      name: "file",
      typed_config: {
        "@type": `${EXT}.access_loggers.file.v3.FileAccessLog`,
        path: plan.log,
        log_format: { json_format: Object.fromEntries(END_FIELDS.map((name) => [name, `%${name}%`])) },
      },
    },
  ];
  const tcp = (target: string, fields: Json = {}): Json => tcpFilterChain(target, { access_log, ...fields });
  const web = (): Json => httpFilterChain("web", { access_log });
  const gated = (gate: Json, target: Json = tcp("talker")): Json => ({
    filters: [{ name: "gate", typed_config: gate }, ...(target["filters"] as readonly Json[])],
  });
  const nobody = (prefix: string): Json => ({
    "@type": `${EXT}.filters.network.rbac.v3.RBAC`,
    stat_prefix: prefix,
    rules: {
      action: "DENY",
      policies: { all: { permissions: [{ any: true }], principals: [{ any: true }] } },
    },
  });
  const { chain, key, root } = plan.files;
  const secured = (target: Json, fields: Json = {}): Json => ({
    ...target,
    ...fields,
    transport_socket: {
      name: "tls",
      typed_config: {
        "@type": `${EXT}.transport_sockets.tls.v3.DownstreamTlsContext`,
        require_client_certificate: true,
        common_tls_context: {
          tls_params: { tls_minimum_protocol_version: "TLSv1_3", tls_maximum_protocol_version: "TLSv1_3" },
          tls_certificates: [{ certificate_chain: { filename: chain }, private_key: { filename: key } }],
          validation_context: { trusted_ca: { filename: root } },
        },
      },
    },
  });
  const chains: Readonly<Record<Closer, Json>> = {
    plain: tcp("talker"),
    idle: tcp("talker", { idle_timeout: "0.3s" }),
    aged: tcp("talker", { max_downstream_connection_duration: "0.3s" }),
    dead: tcp("dead"),
    empty: tcp("empty"),
    nowhere: tcp("nowhere"),
    denied: gated(nobody("denied.")),
    limited: gated({
      "@type": `${EXT}.filters.network.connection_limit.v3.ConnectionLimit`,
      stat_prefix: "limited",
      max_connections: 1,
    }),
    rated: gated({
      "@type": `${EXT}.filters.network.local_ratelimit.v3.LocalRateLimit`,
      stat_prefix: "rated",
      token_bucket: { max_tokens: 1, tokens_per_fill: 1, fill_interval: "3600s" },
    }),
    direct: {
      filters: [
        {
          name: "direct",
          typed_config: {
            "@type": `${EXT}.filters.network.direct_response.v3.Config`,
            response: { inline_string: "x" },
          },
        },
      ],
    },
    mutual: secured(tcp("talker")),
    slow: secured(tcp("talker"), { transport_socket_connect_timeout: "0.3s" }),
    badUpstream: tcp("secure"),
    web: web(),
    webMutual: secured(web()),
    webDenied: gated(nobody("webDenied."), web()),
  };
  const secure = {
    transport_socket: {
      name: "tls",
      typed_config: {
        "@type": `${EXT}.transport_sockets.tls.v3.UpstreamTlsContext`,
        common_tls_context: { validation_context: { trusted_ca: { filename: root } } },
      },
    },
  };
  return {
    static_resources: {
      listeners: CLOSERS.map((name) =>
        listener(name, plan.ports[name], [chains[name]], { access_log, stat_prefix: name }),
      ),
      clusters: [
        cluster("web", [plan.web], "http1"),
        cluster("talker", [plan.talker]),
        cluster("dead", [1]),
        cluster("empty", []),
        cluster("secure", [plan.talker], "http1", secure),
      ],
    },
  };
}
