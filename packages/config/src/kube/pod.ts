import { isObject } from "../json.ts";
import { type KubeObject, type Meta, readMeta, readNumber, readObjects, readString } from "./object.ts";

export interface ContainerPortView {
  readonly name: string;
  readonly containerPort: number;
  readonly protocol: string;
}

/** A Pod, with the fields that the mesh uses; resource versions and probe timestamps are left out on purpose. */
export interface PodView {
  readonly meta: Meta;
  readonly ip: string;
  readonly ips: readonly string[];
  readonly hostIp: string;
  readonly hostNetwork: boolean;
  readonly hostname: string;
  readonly subdomain: string;
  readonly nodeName: string;
  readonly serviceAccount: string;
  readonly phase: string;
  readonly ready: boolean;
  readonly deleting: boolean;
  readonly ports: readonly ContainerPortView[];
  readonly containers: readonly string[];
}

export function readPod(object: KubeObject): PodView {
  const spec = isObject(object["spec"]) ? object["spec"] : {};
  const status = isObject(object["status"]) ? object["status"] : {};
  const containers = [...readObjects(spec["initContainers"]), ...readObjects(spec["containers"])];
  const podIps = readObjects(status["podIPs"])
    .map((entry) => readString(entry["ip"]))
    .filter((ip) => ip !== "");
  const ip = readString(status["podIP"]);
  return {
    meta: readMeta(object.metadata),
    ip,
    ips: podIps.length > 0 ? podIps : ip === "" ? [] : [ip],
    hostIp: readString(status["hostIP"]),
    hostNetwork: spec["hostNetwork"] === true,
    hostname: readString(spec["hostname"]),
    subdomain: readString(spec["subdomain"]),
    nodeName: readString(spec["nodeName"]),
    serviceAccount: readString(spec["serviceAccountName"]) || "default",
    phase: readString(status["phase"]),
    ready: readObjects(status["conditions"]).some((c) => c["type"] === "Ready" && c["status"] === "True"),
    deleting: typeof object.metadata["deletionTimestamp"] === "string",
    ports: containers.flatMap((container) =>
      readObjects(container["ports"]).map((port) => ({
        name: readString(port["name"]),
        containerPort: readNumber(port["containerPort"]) ?? 0,
        protocol: readString(port["protocol"]) || "TCP",
      })),
    ),
    containers: containers.map((container) => readString(container["name"])),
  };
}
