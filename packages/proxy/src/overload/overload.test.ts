import { describe, expect, test } from "bun:test";
import { knownTypes } from "../bootstrap/known-types.ts";
import { parseBootstrap } from "../bootstrap.ts";
import { NO_LIMITS, runtimeLimit, shareLimits, sidecarLimits } from "./overload-config.ts";
import { createOverloadState } from "./overload-state.ts";

const TYPE = "type.googleapis.com/envoy.extensions.resource_monitors";
const HEAP = `{name: envoy.resource_monitors.fixed_heap, typed_config: {"@type": ${TYPE}.fixed_heap.v3.FixedHeapConfig, max_heap_size_bytes: 1000000}}`;

function read(text: string) {
  return parseBootstrap(text, "test.yaml", knownTypes());
}

describe("the overload manager of a bootstrap", () => {
  test("monitors, triggers and actions in Envoy's words", () => {
    const settings = read(`
overload_manager:
  refresh_interval: 0.25s
  resource_monitors:
  - ${HEAP}
  - {name: group, typed_config: {"@type": ${TYPE}.cgroup_memory.v3.CgroupMemoryConfig}}
  - {name: file, typed_config: {"@type": ${TYPE}.injected_resource.v3.InjectedResourceConfig, filename: /tmp/pressure}}
  - {name: envoy.resource_monitors.global_downstream_max_connections, typed_config: {"@type": ${TYPE}.downstream_connections.v3.DownstreamConnectionsConfig, max_active_downstream_connections: 7}}
  actions:
  - {name: envoy.overload_actions.stop_accepting_requests, triggers: [{name: envoy.resource_monitors.fixed_heap, threshold: {value: 0.95}}]}
  - {name: envoy.overload_actions.disable_http_keepalive, triggers: [{name: file, scaled: {scaling_threshold: 0.5, saturation_threshold: 0.9}}]}
`);
    if (!settings.ok) throw new Error(settings.error.join("; "));
    expect(settings.value.overload).toEqual({
      refreshMs: 250 as never,
      monitors: [
        { kind: "fixed-heap", name: "envoy.resource_monitors.fixed_heap", maxBytes: 1_000_000 },
        { kind: "cgroup-memory", name: "group", maxBytes: undefined },
        { kind: "injected", name: "file", path: "/tmp/pressure" },
      ],
      actions: [
        {
          name: "stop_accepting_requests",
          triggers: [{ monitor: "envoy.resource_monitors.fixed_heap", from: 0.95, full: 0.95 }],
        },
        { name: "disable_http_keepalive", triggers: [{ monitor: "file", from: 0.5, full: 0.9 }] },
      ],
      maxConnections: 7,
    });
    const half = shareLimits(settings.value.overload, 2);
    expect(half.maxConnections).toBe(4);
    expect(half.monitors[0]).toMatchObject({ maxBytes: 500_000 });
  });

  test("the runtime value, flat or nested; the last layer wins", () => {
    const settings = read(
      "layered_runtime: {layers: [{name: a, static_layer: {overload: {global_downstream_max_connections: 5}}}, {name: b, static_layer: {overload.global_downstream_max_connections: 9}}]}",
    );
    expect(settings.ok && settings.value.overload).toEqual({ ...NO_LIMITS, maxConnections: 9 });
  });

  test.each([
    [
      "an unknown monitor",
      `resource_monitors: [{name: a, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]`,
      "overload_manager.resource_monitors[0].typed_config: the resource monitor a is not known",
    ],
    [
      "no limit",
      `resource_monitors: [{name: a, typed_config: {"@type": ${TYPE}.fixed_heap.v3.FixedHeapConfig}}]`,
      "max_heap_size_bytes: must be greater than 0",
    ],
    [
      "an unknown action",
      `resource_monitors: [${HEAP}], actions: [{name: envoy.overload_actions.reduce_timeouts, triggers: [{name: envoy.resource_monitors.fixed_heap, threshold: {value: 1}}]}]`,
      "actions[0].name: envoy.overload_actions.reduce_timeouts is not an action of this proxy",
    ],
    [
      "a trigger of nothing",
      `actions: [{name: envoy.overload_actions.shrink_heap, triggers: [{name: b, threshold: {value: 1}}]}]`,
      "b is not the name of a resource monitor",
    ],
    [
      "an impossible pressure",
      `resource_monitors: [${HEAP}], actions: [{name: envoy.overload_actions.shrink_heap, triggers: [{name: envoy.resource_monitors.fixed_heap, threshold: {value: 95}}]}]`,
      "threshold.value: is 95; pressures go from 0 to 1",
    ],
    ["load shed points", "loadshed_points: [{name: a}]", "overload_manager.loadshed_points: refused"],
  ])("%s is named", (_name, text, message) => {
    const settings = read(`overload_manager: {${text}}`);
    expect(settings.ok ? "accepted" : settings.error.join("; ")).toContain(message);
  });
});

describe("state", () => {
  const limits = {
    ...NO_LIMITS,
    monitors: [{ kind: "injected", name: "m", path: "" }],
    actions: [
      { name: "stop_accepting_requests", triggers: [{ monitor: "m", from: 0.9, full: 0.9 }] },
      { name: "reject_incoming_connections", triggers: [{ monitor: "m", from: 0.5, full: 0.9 }] },
    ],
    maxConnections: 10,
  } as const;

  test("a threshold holds while the pressure does; between two marks it is by chance", () => {
    let chance = 0.3;
    const state = createOverloadState(limits, () => chance);
    expect([state.active, state.shedsRequest(), state.admits(1)]).toEqual([false, false, true]);
    state.setPressure("m", 0.7);
    expect([state.active, state.shedsRequest(), state.admits(1)]).toEqual([true, false, false]);
    chance = 0.6;
    expect(state.admits(1)).toBe(true);
    state.setPressure("m", 0.9);
    expect([state.shedsRequest(), state.admits(1)]).toEqual([true, false]);
    state.setPressure("m", 0.2);
    expect([state.active, state.shedsRequest(), state.admits(1)]).toEqual([false, false, true]);
    expect(state.rejected).toBe(2);
  });

  test("connections above the limit; a monitor that fails keeps what it said", () => {
    const state = createOverloadState(limits, () => 0);
    expect([state.admits(10), state.admits(11), state.overLimit]).toEqual([true, false, 1]);
    state.setPressure("m", 1);
    state.setPressure("m", undefined);
    expect(state.shedsRequest()).toBe(true);
    const stats = Object.fromEntries([...state.stats()].map(({ name, value }) => [name, value]));
    expect(stats).toMatchObject({
      "overload.m.pressure": 100,
      "overload.m.failed_updates": 1,
      "overload.envoy.overload_actions.stop_accepting_requests.active": 1,
    });
  });
});

test("a sidecar without a memory limit has none of ours; a wrong runtime value is named", () => {
  expect(sidecarLimits(undefined, undefined)).toEqual(NO_LIMITS);
  expect(sidecarLimits(1, 3)).toMatchObject({ monitors: [{ kind: "cgroup-memory" }], maxConnections: 3 });
  const key = "overload.global_downstream_max_connections";
  expect(runtimeLimit({ runtimeValues: { [key]: "100" } })).toEqual({ value: 100, problem: undefined });
  expect(runtimeLimit({ runtimeValues: { [key]: "lots" } }).problem).toContain("is lots; use a whole number");
});
