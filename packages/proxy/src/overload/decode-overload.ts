import type { JsonObject, Registry } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { type Any, anyUnpack } from "@bufbuild/protobuf/wkt";
import {
  OverloadActionSchema,
  type OverloadManager,
  OverloadManagerSchema,
  type Trigger,
} from "@heddle/xds-api/envoy/config/overload/v3/overload";
import { decodeDuration } from "../config/duration-field.ts";
import type { DecodeScope } from "../config/scope.ts";
import { checkShape, shape } from "../config/shape.ts";
import {
  DEFAULT_REFRESH_MS,
  MAX_CONNECTIONS_KEY,
  type MonitorConfig,
  maxConnectionsOf,
  NO_LIMITS,
  OVERLOAD_ACTIONS,
  type OverloadActionConfig,
  type OverloadConfig,
  type TriggerConfig,
} from "./overload-config.ts";

export const OVERLOAD_MANAGER_SHAPE = shape(
  OverloadManagerSchema,
  ["refresh_interval", "resource_monitors", "actions"],
  {},
  {
    loadshed_points: "there are no load shed points; use actions",
    buffer_factory_config: "memory is not tracked by stream",
  },
);

export const OVERLOAD_ACTION_SHAPE = shape(
  OverloadActionSchema,
  ["name", "triggers"],
  {},
  {
    typed_config: "only reduce_timeouts has one, and timeouts are not scaled",
  },
);

const MONITOR_TYPES = "envoy.extensions.resource_monitors.";
const ACTION_PREFIX = "envoy.overload_actions.";

/** The overload manager of a bootstrap. `registry` knows the monitors' messages. */
export function decodeOverload(message: OverloadManager, registry: Registry, scope: DecodeScope): OverloadConfig {
  checkShape(OVERLOAD_MANAGER_SHAPE, message, scope);
  const refreshMs = decodeDuration(message.refreshInterval, scope.field("refresh_interval")) ?? DEFAULT_REFRESH_MS;
  const monitors: MonitorConfig[] = [];
  let maxConnections: number | undefined;
  message.resourceMonitors.forEach((monitor, i) => {
    const at = scope.field("resource_monitors").item(i).field("typed_config");
    const config = monitor.configType.case === "typedConfig" ? monitor.configType.value : undefined;
    const value = config === undefined ? undefined : onlyField(config, registry);
    const { name } = monitor;
    switch (config?.typeUrl.split("/").pop()) {
      case `${MONITOR_TYPES}fixed_heap.v3.FixedHeapConfig`:
        if (Number(value) > 0) monitors.push({ kind: "fixed-heap", name, maxBytes: Number(value) });
        else at.field("max_heap_size_bytes").problem("must be greater than 0");
        return;
      case `${MONITOR_TYPES}cgroup_memory.v3.CgroupMemoryConfig`:
        monitors.push({ kind: "cgroup-memory", name, maxBytes: Number(value) > 0 ? Number(value) : undefined });
        return;
      case `${MONITOR_TYPES}downstream_connections.v3.DownstreamConnectionsConfig`:
        if (Number(value) > 0) maxConnections = Number(value);
        else at.field("max_active_downstream_connections").problem("must be greater than 0");
        return;
      case `${MONITOR_TYPES}injected_resource.v3.InjectedResourceConfig`:
        if (value !== "") monitors.push({ kind: "injected", name, path: String(value) });
        else at.field("filename").problem("must name a file with a number from 0 to 1");
        return;
      default:
        at.problem(
          `the resource monitor ${name} is not known; there are fixed_heap, cgroup_memory, global_downstream_max_connections and injected_resource`,
        );
    }
  });
  const names = new Set(monitors.map((monitor) => monitor.name));
  const actions: OverloadActionConfig[] = [];
  message.actions.forEach((action, i) => {
    const at = scope.field("actions").item(i);
    checkShape(OVERLOAD_ACTION_SHAPE, action, at);
    const name = OVERLOAD_ACTIONS.find((known) => action.name === `${ACTION_PREFIX}${known}`);
    if (name === undefined) {
      at.field("name").problem(
        `${action.name || "an empty name"} is not an action of this proxy; there are ${OVERLOAD_ACTIONS.join(", ")}, each after ${ACTION_PREFIX}`,
      );
      return;
    }
    const triggers: TriggerConfig[] = [];
    action.triggers.forEach((trigger, j) => {
      const decoded = decodeTrigger(trigger, names, at.field("triggers").item(j));
      if (decoded !== undefined) triggers.push(decoded);
    });
    if (action.triggers.length === 0) at.field("triggers").problem("an action needs at least one");
    actions.push({ name, triggers });
  });
  return { refreshMs, monitors, actions, maxConnections };
}

/** The one field that each monitor's message has. */
function onlyField(any: Any, registry: Registry): unknown {
  const message = anyUnpack(any, registry);
  const schema = message === undefined ? undefined : registry.getMessage(message.$typeName);
  const field = schema?.fields[0];
  return message === undefined || schema === undefined || field === undefined
    ? undefined
    : reflect(schema, message).get(field);
}

function decodeTrigger(trigger: Trigger, monitors: ReadonlySet<string>, scope: DecodeScope): TriggerConfig | undefined {
  if (!monitors.has(trigger.name)) {
    scope
      .field("name")
      .problem(`${trigger.name || "an empty name"} is not the name of a resource monitor that is listed`);
    return undefined;
  }
  const of = trigger.triggerOneof;
  const within = (value: number, field: string): boolean => {
    if (value >= 0 && value <= 1) return true;
    scope.field(field).problem(`is ${value}; pressures go from 0 to 1`);
    return false;
  };
  if (of.case === "threshold") {
    const { value } = of.value;
    return within(value, "threshold.value") ? { monitor: trigger.name, from: value, full: value } : undefined;
  }
  if (of.case === "scaled") {
    const { scalingThreshold: from, saturationThreshold: full } = of.value;
    if (!within(from, "scaled.scaling_threshold") || !within(full, "scaled.saturation_threshold")) return undefined;
    if (from < full) return { monitor: trigger.name, from, full };
    scope.field("scaled").problem("scaling_threshold must be below saturation_threshold");
    return undefined;
  }
  scope.problem("a trigger needs threshold or scaled");
  return undefined;
}

/** The connection limit in a bootstrap's static runtime layers; later layers win. */
export function connectionLimitOf(layers: readonly (JsonObject | undefined)[], scope: DecodeScope): number | undefined {
  let limit: number | undefined;
  for (const layer of layers) {
    if (layer === undefined) continue;
    const read = maxConnectionsOf(layer);
    if (read.ok) limit = read.value ?? limit;
    else scope.problem(`${MAX_CONNECTIONS_KEY} is ${read.text}; use a whole number`);
  }
  return limit;
}

/** Both together. */
export function withConnectionLimit(config: OverloadConfig | undefined, limit: number | undefined): OverloadConfig {
  const base = config ?? NO_LIMITS;
  return { ...base, maxConnections: base.maxConnections ?? limit };
}
