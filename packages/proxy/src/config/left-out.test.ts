import { expect, test } from "bun:test";
import { ACCESS_LOG_TYPES } from "./access-log.ts";
import { UPSTREAM_TRANSPORT_TYPES } from "./cluster.ts";
import { ROUTE_FILTER_TYPES } from "./filters/per-route.ts";
import { HTTP_FILTER_TYPES } from "./http-filters.ts";
import { leftOutReason, unknownExtension } from "./left-out.ts";
import { DOWNSTREAM_TRANSPORT_TYPES } from "./listener.ts";
import { LISTENER_FILTER_TYPES } from "./listener-filters.ts";
import { LOAD_BALANCING_TYPES } from "./load-balancing.ts";
import { NETWORK_FILTER_TYPES } from "./network-filters.ts";
import { STATS_SINK_TYPES } from "./stats-sinks.ts";
import { TRACE_PROVIDER_TYPES } from "./trace-provider.ts";

test("what the proxy has is in no list of what it leaves out", () => {
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
  expect(types.length).toBeGreaterThan(40);
  expect(types.filter((type) => leftOutReason(type) !== undefined)).toEqual([]);
});

test("an unknown extension is told with its reason, with what it may mean, or with what there is", () => {
  expect(unknownExtension("envoy.extensions.filters.http.lua.v3.LuaPerRoute", ["a.B"])).toContain("runs no scripts");
  expect(unknownExtension("envoy.extensions.filters.http.luau.v3.Lua")).not.toContain("runs no scripts");
  expect(unknownExtension("a.filters.v3.Rooter", ["a.filters.v3.Cors", "a.filters.v3.Router"])).toContain(
    "did you mean a.filters.v3.Router?",
  );
  expect(unknownExtension("b.Other", ["a.One", "a.Two"])).toContain("here; it has a.One, a.Two; remove it");
  const many = Array.from({ length: 9 }, (_, i) => `a.v${i}.Extension${i}`);
  expect(unknownExtension("b.Other", many)).toBe(
    "b.Other is not an extension that this proxy has; remove it, or run the workload with Envoy (heddle.io/data-plane: envoy)",
  );
});
