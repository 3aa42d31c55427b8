import { type KubeObject, type Meta, readMeta } from "./object.ts";

/** Namespaces and nodes matter to the mesh only by their metadata. */
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
}

export function readNode(object: KubeObject): NodeView {
  const meta = readMeta(object.metadata);
  return {
    meta,
    region: meta.labels["topology.kubernetes.io/region"] ?? "",
    zone: meta.labels["topology.kubernetes.io/zone"] ?? "",
    subzone: meta.labels["topology.istio.io/subzone"] ?? "",
  };
}
