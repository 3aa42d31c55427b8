import { create, type JsonObject } from "@bufbuild/protobuf";
import { type Node, NodeSchema } from "@heddle/xds-api/envoy/config/core/v3/base";

/** Who we are towards the control plane. */
export interface AdsNode {
  readonly id: string;
  readonly cluster: string;
  readonly metadata: JsonObject;
  /** Default: not told. */
  readonly locality?: { readonly region: string; readonly zone: string; readonly subZone: string };
}

/** Who we are, as services of Envoy's API are told. */
export function nodeMessage(node: AdsNode, version: string): Node {
  const { locality } = node;
  const placed = locality !== undefined && `${locality.region}${locality.zone}${locality.subZone}` !== "";
  return create(NodeSchema, {
    ...(placed ? { locality } : {}),
    id: node.id,
    cluster: node.cluster,
    metadata: node.metadata,
    userAgentName: "heddle",
    userAgentVersionType: { case: "userAgentVersion", value: version },
  });
}
