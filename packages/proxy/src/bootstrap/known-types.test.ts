import { expect, test } from "bun:test";
import { loadTypeRegistry } from "@heddle/xds-api";
import { parseBootstrap } from "../bootstrap.ts";
import { ACCESS_LOG_TYPES } from "../config/access-log.ts";
import { UPSTREAM_TRANSPORT_TYPES } from "../config/cluster.ts";
import { ROUTE_FILTER_TYPES } from "../config/filters/per-route.ts";
import { HTTP_FILTER_TYPES } from "../config/http-filters.ts";
import { DOWNSTREAM_TRANSPORT_TYPES } from "../config/listener.ts";
import { LISTENER_FILTER_TYPES } from "../config/listener-filters.ts";
import { LOAD_BALANCING_TYPES } from "../config/load-balancing.ts";
import { NETWORK_FILTER_TYPES } from "../config/network-filters.ts";
import { STATS_SINK_TYPES } from "../config/stats-sinks.ts";
import { TRACE_PROVIDER_TYPES } from "../config/trace-provider.ts";
import { knownTypes } from "./known-types.ts";

test("every extension that a decoder reads as a message is known, so that nobody loads all of Envoy's for it", async () => {
  const known = knownTypes();
  const all = await loadTypeRegistry();
  const types = [
    ...ACCESS_LOG_TYPES,
    ...DOWNSTREAM_TRANSPORT_TYPES,
    ...HTTP_FILTER_TYPES,
    ...LISTENER_FILTER_TYPES,
    ...LOAD_BALANCING_TYPES,
    ...NETWORK_FILTER_TYPES,
    ...ROUTE_FILTER_TYPES,
    ...STATS_SINK_TYPES,
    ...TRACE_PROVIDER_TYPES,
    ...UPSTREAM_TRANSPORT_TYPES,
  ];
  const messages = types.filter((type) => all.getMessage(type) !== undefined);
  expect(messages.length).toBeGreaterThan(30);
  expect(messages.filter((type) => known.getMessage(type) === undefined)).toEqual([]);
});

test("a sidecar's bootstrap with an inspector and a policy is read with what is known", () => {
  const packed = (type: string) => ({ "@type": `type.googleapis.com/envoy.extensions.filters.${type}` });
  const manager = {
    ...packed("network.http_connection_manager.v3.HttpConnectionManager"),
    stat_prefix: "a",
    http_filters: [{ name: "rbac", typed_config: packed("http.rbac.v3.RBAC") }],
  };
  const listener = {
    name: "l",
    address: { socket_address: { address: "127.0.0.1", port_value: 1 } },
    listener_filters: [{ name: "tls", typed_config: packed("listener.tls_inspector.v3.TlsInspector") }],
    filter_chains: [{ filters: [{ name: "http", typed_config: manager }] }],
  };
  const text = JSON.stringify({ static_resources: { listeners: [listener] } });
  expect(parseBootstrap(text, "test.json", knownTypes())).toMatchObject({ ok: true });
});
