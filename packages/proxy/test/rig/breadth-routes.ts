/** More routes and clusters of the breadth bootstrap: tries, shares of traffic, limits. */
type Json = Record<string, unknown>;

const EXT = "type.googleapis.com/envoy.extensions";
const quick = { base_interval: "0.001s" };
const add = (key: string, value: string): Json => ({ header: { key, value } });
const options = (common: Json): Json => ({
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": `${EXT}.upstreams.http.v3.HttpProtocolOptions`,
      explicit_http_config: { http_protocol_options: {} },
      common_http_protocol_options: common,
    },
  },
});

/** A cluster that speaks HTTP/2. */
export const http2Options: Json = {
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": `${EXT}.upstreams.http.v3.HttpProtocolOptions`,
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
};

const every = { default_value: { numerator: 100, denominator: "HUNDRED" } };
const bucket = (tokens: number, entries: Readonly<Record<string, string>>): Json => ({
  entries: Object.entries(entries).map(([key, value]) => ({ key, value })),
  token_bucket: { max_tokens: tokens, tokens_per_fill: tokens, fill_interval: "600s" },
});

/** `second`: port of the second origin. */
export const moreRoutes = (second: number): readonly Json[] => [
  {
    match: { prefix: "/anywhere" },
    route: { cluster: "anywhere" },
    request_headers_to_add: [add("x-envoy-original-dst-host", `127.0.0.1:${second}`)],
  },
  { match: { prefix: "/nowhere" }, route: { cluster: "anywhere", timeout: "1s" } },
  {
    match: { prefix: "/fewer" },
    route: {
      cluster: "fewer",
      metadata_match: { filter_metadata: { "envoy.lb": { version: "v1", stage: "none" } } },
    },
  },
  {
    match: { prefix: "/hedged" },
    route: {
      cluster: "one",
      timeout: "5s",
      hedge_policy: { hedge_on_per_try_timeout: true },
      retry_policy: { retry_on: "connect-failure", num_retries: 1, per_try_timeout: "0.3s", retry_back_off: quick },
    },
  },
  {
    match: { prefix: "/h2/hedged" },
    route: {
      cluster: "streams",
      timeout: "5s",
      hedge_policy: { hedge_on_per_try_timeout: true },
      retry_policy: { retry_on: "connect-failure", num_retries: 1, per_try_timeout: "0.3s", retry_back_off: quick },
    },
  },
  {
    match: { prefix: "/h2/quiet" },
    route: {
      cluster: "streams",
      retry_policy: { retry_on: "5xx", num_retries: 1, per_try_idle_timeout: "0.2s", retry_back_off: quick },
    },
  },
  {
    match: { prefix: "/h2/pertry" },
    route: {
      cluster: "streams",
      retry_policy: { retry_on: "connect-failure", num_retries: 1, per_try_timeout: "0.2s" },
    },
  },
  {
    match: { prefix: "/quiet" },
    route: { cluster: "one", retry_policy: { retry_on: "reset", num_retries: 0, per_try_idle_timeout: "0.2s" } },
  },
  { match: { prefix: "/short" }, route: { cluster: "short" } },
  { match: { prefix: "/narrow" }, route: { cluster: "narrow" } },
  {
    match: { prefix: "/small-buffer" },
    per_request_buffer_limit_bytes: 100,
    route: { cluster: "one", retry_policy: { retry_on: "5xx", num_retries: 2, retry_back_off: quick } },
  },
  {
    match: { prefix: "/share-filter" },
    route: {
      weighted_clusters: {
        clusters: [
          {
            name: "one",
            weight: 100,
            typed_per_filter_config: {
              mutation: {
                "@type": `${EXT}.filters.http.header_mutation.v3.HeaderMutationPerRoute`,
                mutations: { request_mutations: [{ append: add("x-share", "one") }] },
              },
            },
          },
          { name: "two", weight: 0 },
        ],
      },
    },
  },
  {
    match: { prefix: "/share-by" },
    route: {
      weighted_clusters: {
        header_name: "x-random",
        clusters: [
          { name: "one", weight: 30 },
          { name: "two", weight: 70 },
        ],
      },
    },
  },
  {
    match: { prefix: "/counted" },
    route: {
      cluster: "one",
      rate_limits: [
        {
          actions: [
            { generic_key: { descriptor_value: "g" } },
            { request_headers: { header_name: "x-user", descriptor_key: "user" } },
          ],
        },
        {
          actions: [
            {
              header_value_match: {
                descriptor_value: "gold",
                headers: [{ name: "x-plan", string_match: { exact: "gold" } }],
              },
            },
            { remote_address: {} },
          ],
        },
        {
          actions: [
            { masked_remote_address: { v4_prefix_mask_len: 8 } },
            { destination_cluster: {} },
            {
              query_parameter_value_match: {
                descriptor_value: "q",
                query_parameters: [{ name: "slow", present_match: true }],
              },
            },
          ],
        },
        { stage: 1, actions: [{ generic_key: { descriptor_value: "never" } }] },
      ],
    },
    typed_per_filter_config: {
      limit: {
        "@type": `${EXT}.filters.http.local_ratelimit.v3.LocalRateLimit`,
        stat_prefix: "x",
        token_bucket: { max_tokens: 100, tokens_per_fill: 100, fill_interval: "600s" },
        filter_enabled: every,
        filter_enforced: every,
        enable_x_ratelimit_headers: "DRAFT_VERSION_03",
        descriptors: [
          bucket(1, { generic_key: "g", user: "one" }),
          bucket(2, { generic_key: "g", user: "" }),
          bucket(1, { header_match: "gold", remote_address: "127.0.0.1" }),
          bucket(1, { masked_remote_address: "127.0.0.0/8", destination_cluster: "one", query_match: "q" }),
        ],
      },
    },
  },
  {
    match: { prefix: "/trickle" },
    route: { cluster: "one" },
    typed_per_filter_config: {
      fault: {
        "@type": `${EXT}.filters.http.fault.v3.HTTPFault`,
        response_rate_limit: { fixed_limit: { limit_kbps: 1 }, percentage: { numerator: 100 } },
      },
    },
  },
  {
    match: { prefix: "/share-header" },
    route: { weighted_clusters: { clusters: [{ cluster_header: "x-cluster", weight: 100 }] } },
  },
];

/** Cluster names with what they add to a plain cluster of the first origin. */
export const moreClusters: Readonly<Record<string, Json>> = {
  fewer: {
    lb_subset_config: {
      fallback_policy: "NO_FALLBACK",
      subset_selectors: [
        { keys: ["version"] },
        { keys: ["stage", "version"], fallback_policy: "KEYS_SUBSET", fallback_keys_subset: ["version"] },
      ],
    },
  },
  narrow: { circuit_breakers: { per_host_thresholds: [{ max_connections: 1 }] } },
  short: options({ max_stream_duration: "0.2s" }),
};
