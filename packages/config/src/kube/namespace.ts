import { isObject } from "../json.ts";
import { type KubeObject, type Meta, readMeta, readObjects, readString } from "./object.ts";

/** Namespaces matter to the mesh only by their metadata. */
export interface NamespaceView {
  readonly meta: Meta;
}

export function readNamespace(object: KubeObject): NamespaceView {
  return { meta: readMeta(object.metadata) };
}

export interface NodeView {
  readonly meta: Meta;
  /** `topology.kubernetes.io/region`, "" when unlabelled. */
  readonly region: string;
  /** `topology.kubernetes.io/zone`. */
  readonly zone: string;
  /** `topology.istio.io/subzone`. */
  readonly subzone: string;
  /** Where clients outside reach it, of its status. */
  readonly externalIps: readonly string[];
}

export function readNode(object: KubeObject): NodeView {
  const meta = readMeta(object.metadata);
  const status = object["status"];
  return {
    meta,
    region: meta.labels["topology.kubernetes.io/region"] ?? "",
    zone: meta.labels["topology.kubernetes.io/zone"] ?? "",
    subzone: meta.labels["topology.istio.io/subzone"] ?? "",
    externalIps: readObjects(isObject(status) ? status["addresses"] : [])
      .filter(({ type }) => type === "ExternalIP")
      .map(({ address }) => readString(address))
      .filter((address) => address !== ""),
  };
}
