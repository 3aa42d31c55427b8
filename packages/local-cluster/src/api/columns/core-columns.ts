import type { KubeObject } from "../../contract/index.ts";
import { at, dict, int, list, text } from "../json/json-value.ts";
import { ageOf } from "../read/age.ts";
import { AGE, NAME } from "../resources/basic-columns.ts";
import type { Column } from "../resources/resource-definition.ts";
import { column, labelsText, orNone, wide } from "./column-kit.ts";

export const CONFIG_MAP_COLUMNS: readonly Column[] = [
  NAME,
  {
    name: "Data",
    cell: (object) => Object.keys(dict(object["data"])).length + Object.keys(dict(object["binaryData"])).length,
  },
  AGE,
];

export const SECRET_COLUMNS: readonly Column[] = [
  NAME,
  column("Type", (object) => text(object["type"])),
  { name: "Data", cell: (object) => Object.keys(dict(object["data"])).length },
  AGE,
];

export const NAMESPACE_COLUMNS: readonly Column[] = [
  NAME,
  column("Status", (object) => text(at(object, "status", "phase"))),
  AGE,
];

export const SERVICE_ACCOUNT_COLUMNS: readonly Column[] = [
  NAME,
  { name: "Secrets", cell: (object) => list(object["secrets"]).length },
  AGE,
];

function nodeStatus(node: KubeObject): string {
  const conditions = list(at(node, "status", "conditions")).map(dict);
  const ready = conditions.find((item) => item["type"] === "Ready");
  const status = ready === undefined ? "Unknown" : ready["status"] === "True" ? "Ready" : "NotReady";
  return at(node, "spec", "unschedulable") === true ? `${status},SchedulingDisabled` : status;
}

const ROLE_PREFIX = "node-role.kubernetes.io/";

function nodeRoles(node: KubeObject): string {
  const roles = Object.keys(node.metadata.labels ?? {})
    .filter((key) => key.startsWith(ROLE_PREFIX))
    .map((key) => key.slice(ROLE_PREFIX.length));
  return orNone(roles.sort().join(","));
}

function nodeAddress(node: KubeObject, type: string): string {
  const found = list(at(node, "status", "addresses"))
    .map(dict)
    .find((item) => item["type"] === type);
  return orNone(text(found?.["address"]));
}

function nodeInfo(node: KubeObject, key: string): string {
  return text(at(node, "status", "nodeInfo", key)) || "<unknown>";
}

export const NODE_COLUMNS: readonly Column[] = [
  NAME,
  column("Status", nodeStatus),
  column("Roles", nodeRoles),
  AGE,
  column("Version", (node) => text(at(node, "status", "nodeInfo", "kubeletVersion"))),
  wide("Internal-IP", (node) => nodeAddress(node, "InternalIP")),
  wide("External-IP", (node) => nodeAddress(node, "ExternalIP")),
  wide("OS-Image", (node) => nodeInfo(node, "osImage")),
  wide("Kernel-Version", (node) => nodeInfo(node, "kernelVersion")),
  wide("Container-Runtime", (node) => nodeInfo(node, "containerRuntimeVersion")),
];

function externalAddress(service: KubeObject): string {
  const spec = dict(service["spec"]);
  const given = list(spec["externalIPs"]).map((item) => text(item));
  switch (spec["type"]) {
    case "ExternalName":
      return text(spec["externalName"]);
    case "LoadBalancer": {
      const ingress = list(at(service, "status", "loadBalancer", "ingress")).map(
        (item) => text(at(item, "ip")) || text(at(item, "hostname")),
      );
      const all = [...ingress, ...given];
      return all.length > 0 ? all.join(",") : "<pending>";
    }
    default:
      return given.length > 0 ? given.join(",") : "<none>";
  }
}

function servicePorts(service: KubeObject): string {
  const ports = list(at(service, "spec", "ports")).map((item) => {
    const { port, nodePort, protocol } = dict(item);
    return `${int(port)}${typeof nodePort === "number" && nodePort > 0 ? `:${nodePort}` : ""}/${text(protocol)}`;
  });
  return orNone(ports.join(","));
}

export const SERVICE_COLUMNS: readonly Column[] = [
  NAME,
  column("Type", (service) => text(at(service, "spec", "type"))),
  column("Cluster-IP", (service) => orNone(text(at(service, "spec", "clusterIP")))),
  column("External-IP", externalAddress),
  column("Port(s)", servicePorts),
  AGE,
  wide("Selector", (service) => labelsText(at(service, "spec", "selector"))),
];

function endpointsText(endpoints: KubeObject): string {
  const all: string[] = [];
  for (const subset of list(endpoints["subsets"])) {
    const ports = list(at(subset, "ports"));
    for (const address of list(at(subset, "addresses"))) {
      const ip = text(at(address, "ip"));
      if (ports.length === 0) all.push(ip);
      for (const port of ports) all.push(`${ip}:${int(at(port, "port"))}`);
    }
  }
  if (all.length === 0) return "<none>";
  return all.length > 3 ? `${all.slice(0, 3).join(",")} + ${all.length - 3} more...` : all.join(",");
}

export const ENDPOINTS_COLUMNS: readonly Column[] = [NAME, column("Endpoints", endpointsText), AGE];

function firstThree(items: readonly string[], empty: string): string {
  if (items.length === 0) return empty;
  return items.length > 3 ? `${items.slice(0, 3).join(",")} + ${items.length - 3} more...` : items.join(",");
}

export const ENDPOINT_SLICE_COLUMNS: readonly Column[] = [
  NAME,
  column("AddressType", (slice) => text(slice["addressType"])),
  column("Ports", (slice) => {
    const ports = list(slice["ports"]).map((item) => String(at(item, "port") ?? text(at(item, "name"))));
    return firstThree(ports, "<unset>");
  }),
  column("Endpoints", (slice) => {
    const addresses = list(slice["endpoints"]).flatMap((item) =>
      list(at(item, "addresses")).map((address) => text(address)),
    );
    return firstThree(addresses, "<unset>");
  }),
  AGE,
];

function eventTime(event: KubeObject, key: "firstTimestamp" | "lastTimestamp", now: number): string {
  const found = text(event[key]) || text(event["eventTime"]);
  return found === "" ? "<unknown>" : ageOf(found, now);
}

function lastSeen(event: KubeObject, now: number): string {
  const series = text(at(event, "series", "lastObservedTime"));
  return series === "" ? eventTime(event, "lastTimestamp", now) : ageOf(series, now);
}

function eventObject(event: KubeObject): string {
  const about = dict(event["involvedObject"] ?? event["regarding"]);
  return `${text(about["kind"]).toLowerCase()}/${text(about["name"])}`;
}

function eventSource(event: KubeObject): string {
  const { component, host } = dict(event["source"] ?? event["deprecatedSource"]);
  const parts = [text(component), text(host)].filter((part) => part !== "");
  return parts.join(", ") || text(event["reportingComponent"]);
}

export const EVENT_COLUMNS: readonly Column[] = [
  column("Last Seen", lastSeen),
  column("Type", (event) => text(event["type"])),
  column("Reason", (event) => text(event["reason"])),
  column("Object", eventObject),
  wide("Subobject", (event) => text(at(event, "involvedObject", "fieldPath"))),
  wide("Source", eventSource),
  column("Message", (event) => text(event["message"] ?? event["note"]).trim()),
  wide("First Seen", (event, now) => eventTime(event, "firstTimestamp", now)),
  { name: "Count", priority: 1, cell: (event) => int(event["count"], 1) },
  wide("Name", (event) => event.metadata.name),
];

const ACCESS: Readonly<Record<string, string>> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP",
};

function accessModes(modes: unknown): string {
  return list(modes)
    .map((mode) => ACCESS[text(mode)] ?? text(mode))
    .join(",");
}

export const VOLUME_CLAIM_COLUMNS: readonly Column[] = [
  NAME,
  column("Status", (claim) =>
    claim.metadata.deletionTimestamp === undefined ? text(at(claim, "status", "phase")) : "Terminating",
  ),
  column("Volume", (claim) => text(at(claim, "spec", "volumeName"))),
  column("Capacity", (claim) => text(at(claim, "status", "capacity", "storage"))),
  column("Access Modes", (claim) => accessModes(at(claim, "status", "accessModes"))),
  column("StorageClass", (claim) => text(at(claim, "spec", "storageClassName"))),
  column("VolumeAttributesClass", (claim) => text(at(claim, "spec", "volumeAttributesClassName"), "<unset>")),
  AGE,
  wide("VolumeMode", (claim) => text(at(claim, "spec", "volumeMode"), "<unset>")),
];

export const VOLUME_COLUMNS: readonly Column[] = [
  NAME,
  column("Capacity", (volume) => text(at(volume, "spec", "capacity", "storage"))),
  column("Access Modes", (volume) => accessModes(at(volume, "spec", "accessModes"))),
  column("Reclaim Policy", (volume) => text(at(volume, "spec", "persistentVolumeReclaimPolicy"))),
  column("Status", (volume) =>
    volume.metadata.deletionTimestamp === undefined ? text(at(volume, "status", "phase")) : "Terminating",
  ),
  column("Claim", (volume) => {
    const claim = dict(at(volume, "spec", "claimRef"));
    return claim["name"] === undefined ? "" : `${text(claim["namespace"])}/${text(claim["name"])}`;
  }),
  column("StorageClass", (volume) => text(at(volume, "spec", "storageClassName"))),
  column("VolumeAttributesClass", (volume) => text(at(volume, "spec", "volumeAttributesClassName"), "<unset>")),
  column("Reason", (volume) => text(at(volume, "status", "reason"))),
  AGE,
  wide("VolumeMode", (volume) => text(at(volume, "spec", "volumeMode"), "<unset>")),
];
