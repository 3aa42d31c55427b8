import { bodyFilters, filtersHost, runtimeLayers } from "./breadth-filters.ts";
import { http2Options, moreClusters, moreRoutes } from "./breadth-routes.ts";
import { triesClusters, triesHost } from "./breadth-tries.ts";

/** A bootstrap that uses every routing and balancing feature that real Envoy and our proxy share, and the requests that tell them apart. */
export interface BreadthPorts {
  readonly listen: number;
  readonly origins: readonly number[];
  /** Speaks HTTP/2. */
  readonly streams: number;
  /** Takes no request. */
  readonly refusing: number;
}

type Json = Record<string, unknown>;

const EXT = "type.googleapis.com/envoy.extensions";
const http = (name: string, message: string, fields: Json = {}): Json => ({
  "@type": `${EXT}.filters.http.${name}.v3.${message}`,
  ...fields,
});
const all = { default_value: { numerator: 100, denominator: "HUNDRED" } };
const regex = (text: string): Json => ({ regex: text });
const add = (key: string, value: string, action = "APPEND_IF_EXISTS_OR_ADD"): Json => ({
  header: { key, value },
  append_action: action,
});
const direct = (text: string): Json => ({ direct_response: { status: 200, body: { inline_string: text } } });

function cluster(name: string, ports: readonly number[], fields: Json = {}): Json {
  const endpoints = ports.map((port, i) => ({
    endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: port } } },
    metadata: { filter_metadata: { "envoy.lb": { version: `v${i + 1}`, canary: i === 0 } } },
  }));
  return {
    name,
    type: "STATIC",
    connect_timeout: "2s",
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: endpoints }] },
    ...fields,
  };
}

const matching: Json = {
  name: "matching",
  domains: ["match.test"],
  routes: [
    { match: { path: "/exact" }, ...direct("exact") },
    { match: { path: "/CASE", case_sensitive: false }, ...direct("case") },
    { match: { safe_regex: regex("/re/[a-c]+") }, ...direct("regex") },
    { match: { path_separated_prefix: "/sep" }, ...direct("separated") },
    {
      match: {
        path_match_policy: {
          name: "envoy.path.match.uri_template.uri_template_matcher",
          typed_config: {
            "@type": `${EXT}.path.match.uri_template.v3.UriTemplateMatchConfig`,
            path_template: "/t/{a}/x/{b=**}",
          },
        },
      },
      route: {
        cluster: "one",
        path_rewrite_policy: {
          name: "envoy.path.rewrite.uri_template.uri_template_rewriter",
          typed_config: {
            "@type": `${EXT}.path.rewrite.uri_template.v3.UriTemplateRewriteConfig`,
            path_template_rewrite: "/r/{b}/{a}",
          },
        },
      },
    },
    { match: { prefix: "/h", headers: [{ name: "x-a", string_match: { exact: "1" } }] }, ...direct("header exact") },
    {
      match: { prefix: "/h", headers: [{ name: "x-a", range_match: { start: 10, end: 20 } }] },
      ...direct("header range"),
    },
    { match: { prefix: "/h", headers: [{ name: "x-b", present_match: true }] }, ...direct("header present") },
    {
      match: { prefix: "/h", headers: [{ name: "x-c", string_match: { prefix: "no" }, invert_match: true }] },
      ...direct("header inverted"),
    },
    { match: { prefix: "/h", headers: [{ name: ":method", string_match: { exact: "PUT" } }] }, ...direct("method") },
    {
      match: { prefix: "/q", query_parameters: [{ name: "a", string_match: { exact: "b c" } }] },
      ...direct("query decoded"),
    },
    {
      match: { prefix: "/q", query_parameters: [{ name: "a", string_match: { prefix: "1" } }] },
      ...direct("query prefix"),
    },
    { match: { prefix: "/q", query_parameters: [{ name: "p", present_match: true }] }, ...direct("query present") },
    { match: { prefix: "/" }, ...direct("rest") },
  ],
};

const acting = (second: number): Json => ({
  name: "acting",
  domains: ["act.test", "*.act.test", "act.*"],
  include_request_attempt_count: true,
  include_is_timeout_retry_header: true,
  request_headers_to_add: [add("x-level", "host")],
  response_headers_to_add: [add("x-host-level", "%REQ(:METHOD)%"), add("x-proto", "%PROTOCOL%")],
  request_headers_to_remove: ["x-drop"],
  routes: [
    {
      match: { prefix: "/prefix/" },
      route: { cluster: "one", prefix_rewrite: "/" },
      request_headers_to_add: [
        add("x-level", "route"),
        add("x-over", "new", "OVERWRITE_IF_EXISTS"),
        add("x-abs", "new", "ADD_IF_ABSENT"),
      ],
      response_headers_to_remove: ["x-origin"],
    },
    {
      match: { prefix: "/regex" },
      route: { cluster: "one", regex_rewrite: { pattern: regex("^/regex/([^/]+)/(.*)$"), substitution: "/\\2/\\1" } },
    },
    {
      match: { prefix: "/host" },
      route: { cluster: "one", host_rewrite_literal: "new.test", append_x_forwarded_host: true },
    },
    { match: { prefix: "/header-host" }, route: { cluster: "one", host_rewrite_header: "x-new-host" } },
    {
      match: { prefix: "/path-host" },
      route: {
        cluster: "one",
        host_rewrite_path_regex: { pattern: regex("^/path-host/(.+)$"), substitution: "\\1.test" },
      },
    },
    { match: { prefix: "/to-https" }, redirect: { https_redirect: true } },
    {
      match: { prefix: "/to-host" },
      redirect: { host_redirect: "other.test", port_redirect: 8443, response_code: "FOUND" },
    },
    { match: { prefix: "/to-path" }, redirect: { path_redirect: "/there", response_code: "SEE_OTHER" } },
    {
      match: { prefix: "/to-prefix" },
      redirect: { prefix_rewrite: "/there", strip_query: true, response_code: "TEMPORARY_REDIRECT" },
    },
    {
      match: { prefix: "/to-regex" },
      redirect: {
        regex_rewrite: { pattern: regex("^/to-regex/(.*)$"), substitution: "/\\1" },
        response_code: "PERMANENT_REDIRECT",
      },
    },
    { match: { prefix: "/direct" }, direct_response: { status: 418, body: { inline_string: "short and stout" } } },
    { match: { prefix: "/none" }, route: { cluster: "missing" } },
    { match: { prefix: "/absent" }, route: { cluster: "missing", cluster_not_found_response_code: "NOT_FOUND" } },
    { match: { prefix: "/by-header" }, route: { cluster_header: "x-cluster" } },
    { match: { prefix: "/timeout" }, route: { cluster: "one", timeout: "0.2s" } },
    {
      match: { prefix: "/retry" },
      route: {
        cluster: "one",
        retry_policy: { retry_on: "5xx", num_retries: 3, retry_back_off: { base_interval: "0.001s" } },
      },
    },
    {
      match: { prefix: "/code" },
      route: {
        cluster: "one",
        retry_policy: {
          retry_on: "retriable-status-codes",
          retriable_status_codes: [409],
          num_retries: 2,
          retry_back_off: { base_interval: "0.001s" },
        },
      },
    },
    {
      match: { prefix: "/refused" },
      route: {
        cluster: "dead",
        retry_policy: { retry_on: "connect-failure", num_retries: 2, retry_back_off: { base_interval: "0.001s" } },
      },
    },
    {
      match: { prefix: "/pertry" },
      route: {
        cluster: "one",
        retry_policy: {
          retry_on: "5xx",
          num_retries: 1,
          per_try_timeout: "0.2s",
          retry_back_off: { base_interval: "0.001s" },
        },
      },
    },
    {
      match: { prefix: "/redirected" },
      route: {
        cluster: "one",
        internal_redirect_policy: { max_internal_redirects: 1, redirect_response_codes: [302, 307] },
      },
    },
    { match: { prefix: "/mirror" }, route: { cluster: "one", request_mirror_policies: [{ cluster: "two" }] } },
    {
      match: { prefix: "/subset/v2" },
      route: { cluster: "subsets", metadata_match: { filter_metadata: { "envoy.lb": { version: "v2" } } } },
    },
    {
      match: { prefix: "/subset/v9" },
      route: { cluster: "subsets", metadata_match: { filter_metadata: { "envoy.lb": { version: "v9" } } } },
    },
    { match: { prefix: "/ring" }, route: { cluster: "ring", hash_policy: [{ header: { header_name: "x-key" } }] } },
    {
      match: { prefix: "/maglev" },
      route: {
        cluster: "maglev",
        hash_policy: [{ query_parameter: { name: "k" } }, { header: { header_name: "x-key" } }],
      },
    },
    {
      match: { prefix: "/cookie" },
      route: { cluster: "ring", hash_policy: [{ cookie: { name: "s", ttl: "60s", path: "/" } }] },
    },
    {
      match: { prefix: "/limited" },
      route: { cluster: "one" },
      typed_per_filter_config: {
        limit: http("local_ratelimit", "LocalRateLimit", {
          stat_prefix: "x",
          token_bucket: { max_tokens: 2, tokens_per_fill: 2, fill_interval: "600s" },
          filter_enabled: all,
          filter_enforced: all,
          response_headers_to_add: [add("x-limited", "yes", "OVERWRITE_IF_EXISTS_OR_ADD")],
        }),
      },
    },
    {
      match: { prefix: "/abort" },
      route: { cluster: "one" },
      typed_per_filter_config: {
        fault: http("fault", "HTTPFault", { abort: { http_status: 503, percentage: { numerator: 100 } } }),
      },
    },
    {
      match: { prefix: "/asked-abort" },
      route: { cluster: "one" },
      typed_per_filter_config: {
        fault: http("fault", "HTTPFault", { abort: { header_abort: {}, percentage: { numerator: 100 } } }),
      },
    },
    {
      match: { prefix: "/delay" },
      route: { cluster: "one" },
      typed_per_filter_config: {
        fault: http("fault", "HTTPFault", { delay: { fixed_delay: "0.05s", percentage: { numerator: 100 } } }),
      },
    },
    {
      match: { prefix: "/asked-delay" },
      route: { cluster: "one" },
      typed_per_filter_config: {
        fault: http("fault", "HTTPFault", { delay: { header_delay: {}, percentage: { numerator: 100 } } }),
      },
    },
    {
      match: { prefix: "/fault-for-b" },
      route: { cluster: "one" },
      typed_per_filter_config: {
        fault: http("fault", "HTTPFault", {
          abort: { http_status: 500, percentage: { numerator: 100 } },
          headers: [{ name: "x-user", string_match: { exact: "b" } }],
        }),
      },
    },
    {
      match: { prefix: "/guarded" },
      route: { cluster: "one" },
      typed_per_filter_config: {
        rbac: http("rbac", "RBACPerRoute", {
          rbac: {
            rules: {
              action: "ALLOW",
              policies: {
                readers: {
                  permissions: [
                    {
                      and_rules: {
                        rules: [
                          { header: { name: ":method", string_match: { exact: "GET" } } },
                          { not_rule: { url_path: { path: { suffix: "/secret" } } } },
                        ],
                      },
                    },
                  ],
                  principals: [
                    {
                      or_ids: {
                        ids: [
                          { header: { name: "x-role", string_match: { exact: "reader" } } },
                          { remote_ip: { address_prefix: "10.0.0.0", prefix_len: 8 } },
                        ],
                      },
                    },
                  ],
                },
              },
            },
          },
        }),
      },
    },
    {
      match: { prefix: "/mutated" },
      route: { cluster: "one" },
      typed_per_filter_config: {
        mutation: http("header_mutation", "HeaderMutationPerRoute", {
          mutations: {
            request_mutations: [{ remove: "x-role" }, { append: add("x-mutated", "%REQ(X-KEY)%") }],
            response_mutations: [{ remove: "x-origin" }, { append: add("x-answer", "yes") }],
          },
        }),
      },
    },
    {
      match: { prefix: "/cors" },
      route: { cluster: "one" },
      typed_per_filter_config: {
        cors: http("cors", "CorsPolicy", {
          allow_origin_string_match: [{ safe_regex: regex("https://.*\\.ok") }],
          allow_methods: "GET, PUT",
          allow_headers: "x-one",
          expose_headers: "x-two",
          max_age: "60",
          allow_credentials: true,
        }),
      },
    },
    {
      match: { prefix: "/weighted" },
      route: {
        weighted_clusters: {
          clusters: [
            { name: "one", weight: 100, request_headers_to_add: [add("x-weight", "one")] },
            { name: "two", weight: 0 },
          ],
        },
      },
    },
    ...moreRoutes(second),
    { match: { prefix: "/" }, route: { cluster: "one" } },
  ],
});

/** The same for both proxies but for the port. */
export function breadthBootstrap(ports: BreadthPorts): Json {
  const [first = 0, second = 0] = ports.origins;
  const manager = {
    "@type": `${EXT}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "breadth",
    xff_num_trusted_hops: 0,
    http_filters: [
      { name: "cors", typed_config: http("cors", "Cors") },
      { name: "fault", typed_config: http("fault", "HTTPFault") },
      { name: "limit", typed_config: http("local_ratelimit", "LocalRateLimit", { stat_prefix: "x" }) },
      { name: "rbac", typed_config: http("rbac", "RBAC") },
      { name: "mutation", typed_config: http("header_mutation", "HeaderMutation") },
      ...bodyFilters,
      { name: "envoy.filters.http.router", typed_config: http("router", "Router") },
    ],
    route_config: {
      name: "breadth",
      validate_clusters: false,
      response_headers_to_add: [add("x-table-level", "yes")],
      virtual_hosts: [
        matching,
        acting(second),
        triesHost,
        filtersHost,
        {
          name: "secure",
          domains: ["secure.test"],
          require_tls: "ALL",
          routes: [{ match: { prefix: "/" }, ...direct("never") }],
        },
      ],
    },
  };
  return {
    layered_runtime: runtimeLayers,
    static_resources: {
      listeners: [
        {
          name: "breadth",
          address: { socket_address: { address: "127.0.0.1", port_value: ports.listen } },
          filter_chains: [
            { filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }] },
          ],
        },
      ],
      clusters: [
        cluster("one", [first]),
        cluster("two", [second]),
        cluster("dead", [1]),
        cluster("nobody", []),
        cluster("streams", [ports.streams], http2Options),
        ...triesClusters(ports).map(([name, to, fields]) => cluster(name, to, fields)),
        ...Object.entries(moreClusters).map(([name, fields]) => cluster(name, [first], fields)),
        {
          name: "anywhere",
          type: "ORIGINAL_DST",
          lb_policy: "CLUSTER_PROVIDED",
          original_dst_lb_config: { use_http_header: true },
        },
        cluster("ring", ports.origins, { lb_policy: "RING_HASH" }),
        cluster("maglev", ports.origins, { lb_policy: "MAGLEV" }),
        cluster("subsets", ports.origins, {
          lb_subset_config: { fallback_policy: "NO_FALLBACK", subset_selectors: [{ keys: ["version"] }] },
        }),
      ],
    },
  };
}
