import { beforeAll, describe, expect, test } from "bun:test";
import type { JsonValue, Registry } from "@bufbuild/protobuf";
import { loadTypeRegistry } from "@heddle/xds-api";
import { verdictOf } from "../../test/rig/verdict.ts";

let registry: Registry;
beforeAll(async () => {
  registry = await loadTypeRegistry();
});

const POLICIES = "type.googleapis.com/envoy.extensions.load_balancing_policies";
const policy = (type: string, fields: object): JsonValue => ({
  name: "c",
  load_balancing_policy: {
    policies: [{ typed_extension_config: { name: "p", typed_config: { "@type": `${POLICIES}.${type}`, ...fields } } }],
  },
});
const AT = "load_balancing_policy.policies[0].typed_extension_config.typed_config";
const zones = { locality_lb_config: { zone_aware_lb_config: { min_cluster_size: 3 } } };

describe("load balancing", () => {
  test.each<[what: string, json: JsonValue]>([
    [
      "a bias of requests under way",
      {
        name: "c",
        lb_policy: "LEAST_REQUEST",
        least_request_lb_config: { active_request_bias: { default_value: 0.5, runtime_key: "k" } },
      },
    ],
    ["full scans", policy("least_request.v3.LeastRequest", { selection_method: "FULL_SCAN" })],
    [
      "zones without conditions",
      policy("round_robin.v3.RoundRobin", { locality_lb_config: { zone_aware_lb_config: {} } }),
    ],
    ["zones with conditions", policy("least_request.v3.LeastRequest", zones)],
    ["zones of a cluster", { name: "c", common_lb_config: zones.locality_lb_config }],
    ["a bound of hashing", policy("maglev.v3.Maglev", { consistent_hashing_lb_config: { hash_balance_factor: 150 } })],
    ["a small table", policy("maglev.v3.Maglev", { table_size: 13 })],
  ])("%s", (_what, json) => {
    expect(verdictOf(registry, "cluster", json)).toBe("");
  });

  test.each<[what: string, json: JsonValue, says: string]>([
    [
      "a shuffle",
      policy("pick_first.v3.PickFirst", { shuffle_address_list: true }),
      `${AT}.shuffle_address_list: refused`,
    ],
    ["one choice", policy("least_request.v3.LeastRequest", { choice_count: 1 }), `${AT}.choice_count: at least two`],
    [
      "one choice",
      { name: "c", lb_policy: "LEAST_REQUEST", least_request_lb_config: { choice_count: 1 } },
      "least_request_lb_config.choice_count: at least two",
    ],
    ["a table that is no prime", policy("maglev.v3.Maglev", { table_size: 4 }), `${AT}.table_size: 4 is not a prime`],
    [
      "an empty table",
      { name: "c", lb_policy: "MAGLEV", maglev_lb_config: { table_size: 0 } },
      "maglev_lb_config.table_size: 0 is not a prime",
    ],
    [
      "a huge table",
      { name: "c", lb_policy: "MAGLEV", maglev_lb_config: { table_size: "9223372036854775807" } },
      "maglev_lb_config.table_size: a table has at most 5000011",
    ],
    [
      "a huge ring",
      policy("ring_hash.v3.RingHash", { maximum_ring_size: 99_000_000 }),
      `${AT}.maximum_ring_size: a ring has at most`,
    ],
    [
      "a ring that can't be",
      {
        name: "c",
        lb_policy: "RING_HASH",
        ring_hash_lb_config: { minimum_ring_size: 100, maximum_ring_size: 10 },
      },
      "ring_hash_lb_config.minimum_ring_size: is 100, above maximum_ring_size, 10",
    ],
    [
      "a ring below the default",
      policy("ring_hash.v3.RingHash", { maximum_ring_size: 10 }),
      `${AT}.minimum_ring_size: is 1024, above maximum_ring_size, 10; lower it`,
    ],
  ])("%s: refused, with the place and the reason", (_what, json, says) => {
    expect(verdictOf(registry, "cluster", json)).toContain(says);
  });
});
