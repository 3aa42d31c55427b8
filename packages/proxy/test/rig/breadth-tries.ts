import { address } from "./bootstrap.ts";
import type { BreadthCase } from "./breadth-cases.ts";
import { http2Options } from "./breadth-routes.ts";

/** When a request is tried again and where, time limits of routes, shares by runtime: a virtual host of the breadth bootstrap and its requests. */
type Json = Record<string, unknown>;

interface Place {
  readonly on: string;
  readonly cluster?: string;
  /** More of the retry policy. */
  readonly policy?: Json;
  /** More of the route's action. */
  readonly action?: Json;
}

const PREDICATES = "type.googleapis.com/envoy.extensions.retry.host";
const predicate = (name: string, message: string, fields: Json = {}): Json => ({
  retry_host_predicate: [
    {
      name: `envoy.retry_host_predicates.${name}`,
      typed_config: { "@type": `${PREDICATES}.${name}.v3.${message}`, ...fields },
    },
  ],
  host_selection_retry_max_attempts: 50,
});
const byKey = { hash_policy: [{ header: { header_name: "x-key" } }] };
const limited = {
  rate_limited_retry_back_off: { reset_headers: [{ name: "x-reset", format: "SECONDS" }], max_interval: "5s" },
};

/** By the first segment of the path. */
const places: Readonly<Record<string, Place>> = {
  "5xx": { on: "5xx" },
  gateway: { on: "gateway-error" },
  conflict: { on: "retriable-4xx" },
  limited: { on: "envoy-ratelimited" },
  headers: {
    on: "retriable-headers",
    policy: { retriable_headers: [{ name: "x-again", string_match: { exact: "yes" } }] },
  },
  "asked-for": {
    on: "5xx",
    policy: { retriable_request_headers: [{ name: "x-may", string_match: { exact: "yes" } }] },
  },
  cancelled: { on: "cancelled" },
  late: { on: "deadline-exceeded" },
  internal: { on: "internal" },
  exhausted: { on: "resource-exhausted" },
  unavailable: { on: "unavailable" },
  "refused-stream": { on: "refused-stream", cluster: "r-refusing" },
  "refused-as-reset": { on: "reset", cluster: "r-refusing" },
  "refused-as-4xx": { on: "retriable-4xx", cluster: "r-refusing" },
  "cut-as-reset": { on: "reset", cluster: "r-cutting" },
  "cut-before": { on: "reset-before-request", cluster: "r-cutting" },
  "cut-as-connect": { on: "connect-failure", cluster: "r-cutting" },
  "cut-as-gateway": { on: "gateway-error", cluster: "r-cutting" },
  "dead-before": { on: "reset-before-request", cluster: "r-dead" },
  full: { on: "5xx", cluster: "r-full" },
  "budget-none": { on: "5xx", cluster: "r-budget-none" },
  "budget-half": { on: "5xx", cluster: "r-budget-half" },
  "budget-all": { on: "5xx", cluster: "r-budget-all" },
  "budget-least": { on: "5xx", cluster: "r-budget-least" },
  reset: { on: "5xx", cluster: "r-limited", policy: limited },
  same: { on: "5xx", cluster: "r-hash", action: byKey },
  other: {
    on: "5xx",
    cluster: "r-hash",
    policy: predicate("previous_hosts", "PreviousHostsPredicate"),
    action: byKey,
  },
  "other-ring": {
    on: "5xx",
    cluster: "r-ring3",
    policy: predicate("previous_hosts", "PreviousHostsPredicate"),
    action: byKey,
  },
  "other-maglev": {
    on: "5xx",
    cluster: "r-maglev3",
    policy: predicate("previous_hosts", "PreviousHostsPredicate"),
    action: byKey,
  },
  "next-priority": {
    on: "5xx",
    cluster: "r-priorities",
    policy: {
      retry_priority: {
        name: "envoy.retry_priorities.previous_priorities",
        typed_config: {
          "@type":
            "type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
          update_frequency: 1,
        },
      },
    },
  },
  canary: {
    on: "5xx",
    cluster: "r-hash",
    policy: predicate("omit_canary_hosts", "OmitCanaryHostsPredicate"),
    action: byKey,
  },
  version: {
    on: "5xx",
    cluster: "r-hash",
    policy: predicate("omit_host_metadata", "OmitHostMetadataConfig", {
      metadata_match: { filter_metadata: { "envoy.lb": { version: "v2" } } },
    }),
    action: byKey,
  },
};

const fraction = (numerator: number): Json => ({
  runtime_fraction: { default_value: { numerator, denominator: "HUNDRED" }, runtime_key: `test.share.${numerator}` },
});
const direct = (text: string): Json => ({ direct_response: { status: 200, body: { inline_string: text } } });

export const triesHost: Json = {
  name: "tries",
  domains: ["tries.test"],
  include_request_attempt_count: true,
  include_attempt_count_in_response: true,
  routes: [
    ...Object.entries(places).map(([name, place]) => ({
      match: { prefix: `/${name}/` },
      route: {
        cluster: place.cluster ?? "r-one",
        retry_policy: {
          retry_on: place.on,
          num_retries: 1,
          retry_back_off: { base_interval: "0.001s" },
          ...place.policy,
        },
        ...place.action,
      },
    })),
    { match: { prefix: "/share", ...fraction(0) }, ...direct("none of them") },
    { match: { prefix: "/share", ...fraction(100) }, ...direct("all of them") },
    { match: { prefix: "/share" }, ...direct("the rest") },
    { match: { prefix: "/idle" }, route: { cluster: "one", idle_timeout: "0.2s" } },
    {
      match: { prefix: "/longest" },
      route: { cluster: "one", max_stream_duration: { max_stream_duration: "0.2s" } },
    },
    {
      match: { prefix: "/client" },
      route: { cluster: "ring", hash_policy: [{ connection_properties: { source_ip: true } }] },
    },
    { match: { prefix: "/random" }, route: { cluster: "b-random" } },
    { match: { prefix: "/least" }, route: { cluster: "b-least" } },
  ],
};

const retries = (fields: Json): Json => ({ circuit_breakers: { thresholds: [fields] } });
const budget = (percent: number, least: number): Json =>
  retries({ retry_budget: { budget_percent: { value: percent }, min_retry_concurrency: least } });

/** Each port is a priority of its own. */
function byPriority(name: string, ports: readonly number[]): Json {
  return {
    cluster_name: name,
    endpoints: ports.map((port, priority) => ({ priority, lb_endpoints: [{ endpoint: { address: address(port) } }] })),
  };
}

/** Ports of the origins, and of one that takes no request. */
export interface TriesPorts {
  readonly origins: readonly number[];
  readonly refusing: number;
}

/** Cluster names with their endpoints and what else they have. */
export function triesClusters(ports: TriesPorts): readonly (readonly [string, readonly number[], Json])[] {
  const first = ports.origins.slice(0, 1);
  return [
    ["r-one", first, {}],
    ["r-refusing", [ports.refusing], http2Options],
    ["r-cutting", [ports.refusing], {}],
    ["r-dead", [1], {}],
    ["r-full", first, retries({ max_retries: 0 })],
    ["r-budget-none", first, budget(0, 0)],
    ["r-budget-half", first, budget(50, 0)],
    ["r-budget-all", first, budget(100, 0)],
    ["r-budget-least", first, budget(0, 1)],
    ["r-limited", first, {}],
    ["r-hash", ports.origins.slice(0, 2), { lb_policy: "RING_HASH" }],
    ["r-ring3", ports.origins, { lb_policy: "RING_HASH" }],
    ["r-maglev3", ports.origins, { lb_policy: "MAGLEV" }],
    ["r-priorities", [], { load_assignment: byPriority("r-priorities", ports.origins) }],
    ["b-random", ports.origins, { lb_policy: "RANDOM" }],
    ["b-least", ports.origins, { lb_policy: "LEAST_REQUEST", least_request_lb_config: { choice_count: 100 } }],
  ];
}

const row = (name: string, path: string, attempts?: number, headers: Record<string, string> = {}): BreadthCase => ({
  name,
  host: "tries.test",
  path,
  headers,
  ...(attempts === undefined ? {} : { attempts }),
});
const keys = ["a", "b", "c", "d", "e", "f"];

export const triesCases: readonly BreadthCase[] = [
  row("gateway-error: 502", "/gateway/fail1x502", 2),
  row("gateway-error: 504", "/gateway/fail1x504", 2),
  row("gateway-error: not 500", "/gateway/fail1x500", 1),
  row("gateway-error: a cut connection", "/cut-as-gateway/x", 2),
  row("retriable-4xx: 409", "/conflict/fail1x409", 2),
  row("retriable-4xx: not 429", "/conflict/fail1x429", 1),
  row("refused-stream", "/refused-stream/x", 2),
  row("reset: a refused stream", "/refused-as-reset/x", 2),
  row("retriable-4xx: not a refused stream", "/refused-as-4xx/x", 1),
  row("reset: a connection cut before the answer", "/cut-as-reset/x", 2),
  row("reset-before-request: not when the request was sent", "/cut-before/x", 1),
  row("reset-before-request: a refused connection", "/dead-before/x", 2),
  row("connect-failure: not a cut connection", "/cut-as-connect/x", 1),
  row("retriable-headers", "/headers/say1x200/x-again=yes", 2),
  row("retriable-headers: another value", "/headers/say1x200/x-again=no", 1),
  row("retriable-headers: not by status", "/headers/fail1x503", 1),
  row("retriable request headers", "/asked-for/fail1x503", 2, { "x-may": "yes" }),
  row("retriable request headers that are missing", "/asked-for/b/fail1x503", 1),
  row("envoy-ratelimited", "/limited/say1x429/x-envoy-ratelimited=true", 2),
  row("envoy-ratelimited: another 429", "/limited/fail1x429", 1),
  row("5xx: not what was limited", "/5xx/say1x503/x-envoy-ratelimited=true", 1),
  row("gRPC cancelled", "/cancelled/say1x200/grpc-status=1", 2),
  row("gRPC cancelled: another status", "/cancelled/say1x200/grpc-status=14", 1),
  row("gRPC deadline-exceeded", "/late/say1x200/grpc-status=4", 2),
  row("gRPC deadline-exceeded: another status", "/late/say1x200/grpc-status=1", 1),
  row("gRPC internal", "/internal/say1x200/grpc-status=13", 2),
  row("gRPC internal: another status", "/internal/say1x200/grpc-status=2", 1),
  row("gRPC resource-exhausted", "/exhausted/say1x200/grpc-status=8", 2),
  row("gRPC resource-exhausted: another status", "/exhausted/say1x200/grpc-status=4", 1),
  row("gRPC unavailable", "/unavailable/say1x200/grpc-status=14", 2),
  row("gRPC unavailable: another status", "/unavailable/say1x200/grpc-status=0", 1),
  row("no retries left in the cluster", "/full/fail1x503", 1),
  row("retry budget of nothing", "/budget-none/fail1x503", 1),
  row("retry budget of half a request", "/budget-half/fail1x503", 1),
  row("retry budget of one request", "/budget-all/fail1x503", 2),
  row("retry budget with a least", "/budget-least/fail1x503", 2),
  row("the server says when", "/reset/say1x503/x-reset=1", 2),
  row("the server says too late a time", "/reset/say1x503/x-reset=60", 2),
  row("the server says no time", "/reset/fail1x503", 2),
  ...keys.map((key) => row(`no host predicate, ${key}`, `/same/${key}/fail1x503`, 2, { "x-key": key })),
  ...keys.map((key) => row(`previous_hosts of ${key}`, `/other/${key}/fail1x503`, 2, { "x-key": key })),
  ...keys.map((key) => row(`previous_hosts of ${key}: ring`, `/other-ring/${key}/fail1x503`, 2, { "x-key": key })),
  ...keys.map((key) => row(`previous_hosts of ${key}: Maglev`, `/other-maglev/${key}/fail1x503`, 2, { "x-key": key })),
  row("previous_priorities", "/next-priority/fail1x503", 2),
  ...keys.map((key) => row(`omit_canary_hosts of ${key}`, `/canary/${key}/fail1x503`, 2, { "x-key": key })),
  ...keys.map((key) => row(`omit_host_metadata of ${key}`, `/version/${key}/fail1x503`, 2, { "x-key": key })),
  row("runtime fraction of 0 and of 100", "/share"),
  { ...row("idle timeout of the route", "/idle/slow"), status: 504 },
  { ...row("max stream duration of the route", "/longest/slow"), status: 504 },
  ...[1, 2, 3, 4, 5, 6].map((n) =>
    row(`hash of client ${n}`, "/client", undefined, { "x-forwarded-for": `10.0.0.${n}` }),
  ),
];
