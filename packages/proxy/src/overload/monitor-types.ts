import { createFileRegistry, createRegistry, fromJson, type Registry } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const PREFIX = "envoy.extensions.resource_monitors.";

/** Messages of resource monitors by name, with their fields in the order of their numbers. Source: `envoy/extensions/resource_monitors`. */
const MESSAGES: readonly (readonly [file: string, message: string, field: string, type: string])[] = [
  ["fixed_heap", "FixedHeapConfig", "max_heap_size_bytes", "TYPE_UINT64"],
  ["cgroup_memory", "CgroupMemoryConfig", "max_memory_bytes", "TYPE_UINT64"],
  ["downstream_connections", "DownstreamConnectionsConfig", "max_active_downstream_connections", "TYPE_INT64"],
  ["injected_resource", "InjectedResourceConfig", "filename", "TYPE_STRING"],
];

/** `registry` with the messages of resource monitors, which Envoy keeps apart from the others. */
export function withMonitorTypes(registry: Registry): Registry {
  const files = MESSAGES.map(([file, message, field, type]) => ({
    name: `envoy/extensions/resource_monitors/${file}/v3/${file}.proto`,
    package: `${PREFIX}${file}.v3`,
    syntax: "proto3",
    messageType: [{ name: message, field: [{ name: field, number: 1, label: "LABEL_OPTIONAL", type }] }],
  }));
  return createRegistry(registry, createFileRegistry(fromJson(FileDescriptorSetSchema, { file: files })));
}
