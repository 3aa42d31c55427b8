import { beforeAll, expect, test } from "bun:test";
import type { JsonObject, Registry } from "@bufbuild/protobuf";
import { loadTypeRegistry, readJson, typeUrls, writeMessage } from "@heddle/xds-api";
import { ClusterSchema } from "./proto.ts";
import { decodeResource } from "./resources.ts";

let registry: Registry;
beforeAll(async () => {
  registry = await loadTypeRegistry();
});

const DNS = "type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster";
const endpoint = { address: { socket_address: { address: "localhost", port_value: 80 } } };
const hosts = { cluster_name: "c", endpoints: [{ lb_endpoints: [{ endpoint }] }] };

function decoded(cluster: JsonObject) {
  const message = readJson(ClusterSchema, { name: "c", load_assignment: hosts, ...cluster }, registry);
  const result = decodeResource(typeUrls.cluster, writeMessage(ClusterSchema, message));
  if (!result.ok) return result.error.map(({ path, reason }) => `${path}: ${reason}`).join("; ");
  if (result.value.kind !== "cluster") throw new Error(result.value.kind);
  const { discovery, dnsRefreshMs, dnsFailure, dnsFamily } = result.value.config;
  return [discovery.kind, Number(dnsRefreshMs), dnsFailure, dnsFamily];
}

test("names of kinds are those of the enumeration, with the cluster's own DNS fields", () => {
  const fields = { dns_refresh_rate: "3s", dns_lookup_family: "V6_ONLY" };
  for (const [name, kind] of [
    ["envoy.cluster.strict_dns", "strict-dns"],
    ["envoy.cluster.logical_dns", "logical-dns"],
  ] as const)
    expect(decoded({ cluster_type: { name }, ...fields })).toEqual([kind, 3000, undefined, "v6"]);
  expect(decoded({ cluster_type: { name: "envoy.cluster.original_dst" } })).toEqual([
    "original-dst",
    5000,
    undefined,
    "any",
  ]);
});

test("a DNS cluster's own configuration holds, not the cluster's fields", () => {
  const typed = (config: JsonObject, name = "envoy.cluster.dns") =>
    decoded({ dns_refresh_rate: "9s", cluster_type: { name, typed_config: { "@type": DNS, ...config } } });
  expect(typed({})).toEqual(["strict-dns", 5000, undefined, "any"]);
  expect(typed({ all_addresses_in_single_endpoint: true })).toEqual(["logical-dns", 5000, undefined, "any"]);
  expect(
    typed({ dns_refresh_rate: "2s", dns_failure_refresh_rate: { base_interval: "1s" }, dns_lookup_family: "V4_ONLY" }),
  ).toEqual(["strict-dns", 2000, { baseMs: 1000, maxMs: 10_000 }, "v4"]);
  expect(typed({ dns_jitter: "1s" })).toContain("cluster_type.typed_config.dns_jitter: refused: names are asked for");
  expect(typed({ dns_failure_refresh_rate: {} })).toContain("dns_failure_refresh_rate.base_interval: must be");
});

test("other kinds are refused with their reason", () => {
  const aggregate = "envoy.extensions.clusters.aggregate.v3.ClusterConfig";
  const typed_config = { "@type": `type.googleapis.com/${aggregate}`, clusters: ["a"] };
  expect(decoded({ cluster_type: { name: "envoy.clusters.aggregate", typed_config } })).toContain(
    `cluster_type.typed_config: refused: ${aggregate} is not an extension that this proxy has: clusters do not lead`,
  );
});
