import { address, bareHttpChain, cluster, type Json, listener } from "./bootstrap.ts";

/** A bootstrap whose clusters differ in how hosts are weighed. Requests name their cluster in `x-cluster`. */
export interface BalancingPlan {
  readonly listen: number;
  /** HTTP/1 servers; each says its place in this list. */
  readonly origins: readonly number[];
  /** Weights of the first clusters, of as many origins. */
  readonly weights: readonly number[];
  /** A file of endpoints; the first host is in it from the beginning. */
  readonly endpoints: string;
}

const TYPE = "type.googleapis.com/envoy.extensions";

/** Clusters that weigh hosts, all the same hosts. */
export const WEIGHED = ["turns", "least", "policy"] as const;
/** Clusters by `active_request_bias`; their requests all wait. */
export const BIASED = { "bias-0": 0, "bias-half": 0.5, "bias-1": 1, "bias-2": 2 } as const;
/** How long a new host is warmed up. Units: s. */
export const WINDOW_SECONDS = 5;
/** Clusters with slow start, by what its fields are. */
export const WARMING = {
  "warm-linear": {},
  "warm-soon": { aggression: { default_value: 3, runtime_key: "up.soon" } },
  "warm-floor": { min_weight_percent: { value: 60 } },
  "warm-least": { least: true },
} as const;

/** Clusters that send requests by `x-key`, no host too many. */
export const BOUNDED = {
  "bound-ring": { weights: [1, 1, 1, 1, 1, 1], factor: 120, policy: "RING_HASH" },
  "bound-maglev": { weights: [1, 1, 1, 1, 1, 1], factor: 200, policy: "MAGLEV" },
  "bound-weights": { weights: [5, 1, 2, 1, 1, 3], factor: 130, policy: "RING_HASH" },
} as const;

export function balancingBootstrap({ listen, origins, weights, endpoints }: BalancingPlan): Json {
  const weighed = (name: string, list: readonly number[], fields: Json): Json =>
    cluster(name, [], "http1", {
      load_assignment: {
        cluster_name: name,
        endpoints: [
          {
            lb_endpoints: list.map((weight, i) => ({
              endpoint: { address: address(origins[i] ?? 0) },
              load_balancing_weight: weight,
            })),
          },
        ],
      },
      ...fields,
    });
  const policy = {
    load_balancing_policy: {
      policies: [
        {
          typed_extension_config: {
            name: "least",
            typed_config: { "@type": `${TYPE}.load_balancing_policies.least_request.v3.LeastRequest` },
          },
        },
      ],
    },
  };
  const least = (fields: Json): Json => ({ lb_policy: "LEAST_REQUEST", least_request_lb_config: fields });
  const warming = Object.entries(WARMING).map(([name, fields]) => {
    const isLeast = "least" in fields;
    const { least: _, ...own } = { least: false, ...fields };
    const start = { slow_start_config: { slow_start_window: `${WINDOW_SECONDS}s`, ...own } };
    return {
      ...cluster(name, [], "http1"),
      type: "EDS",
      load_assignment: undefined,
      eds_cluster_config: {
        service_name: "warming",
        eds_config: { resource_api_version: "V3", path_config_source: { path: endpoints } },
      },
      ...(isLeast ? least(start) : { round_robin_lb_config: start }),
    };
  });
  return {
    node: { id: "balancing", cluster: "balancing" },
    static_resources: {
      listeners: [
        listener("in", listen, [
          bareHttpChain([
            {
              match: { prefix: "/" },
              route: {
                cluster_header: "x-cluster",
                timeout: "60s",
                hash_policy: [{ header: { header_name: "x-key" } }],
              },
            },
          ]),
        ]),
      ],
      clusters: [
        weighed("turns", weights, {}),
        weighed("least", weights, least({})),
        weighed("policy", weights, policy),
        weighed("chance", [9, 1], { lb_policy: "RANDOM" }),
        ...Object.entries(BIASED).map(([name, bias]) =>
          weighed(name, [1, 4], least({ active_request_bias: { default_value: bias, runtime_key: `up.${name}` } })),
        ),
        ...Object.entries(BOUNDED).map(([name, { weights: own, factor, policy: lb_policy }]) =>
          weighed(name, own, {
            lb_policy,
            common_lb_config: { consistent_hashing_lb_config: { hash_balance_factor: factor } },
          }),
        ),
        ...warming,
      ],
    },
  };
}

/** The file of endpoints with the first `count` origins. */
export function endpointsFile(origins: readonly number[], count: number): string {
  const lbEndpoints = origins.slice(0, count).map((port) => ({ endpoint: { address: address(port) } }));
  return JSON.stringify({
    version_info: String(count),
    resources: [
      {
        "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
        cluster_name: "warming",
        endpoints: [{ lb_endpoints: lbEndpoints }],
      },
    ],
  });
}
