import type { Cidr } from "@heddle/std";
import {
  type IPTagging,
  type IPTagging_IPTag,
  IPTagging_IPTagSchema,
  IPTagging_IpTagHeaderSchema,
  IPTagging_RequestType,
  IPTaggingSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/ip_tagging/v3/ip_tagging";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";
import { decodeCidr } from "../socket-address.ts";

/** Names of networks that clients belong to. */
export interface IpTaggingConfig {
  readonly kind: "ip-tagging";
  /** False: only requests from inside are looked at, of which there are none: no address counts as internal. */
  readonly active: boolean;
  readonly tags: readonly { readonly name: string; readonly networks: readonly Cidr[] }[];
  /** Gets the names, comma-separated. */
  readonly header: string;
  /** Where the client sent the header itself. */
  readonly onSent: "append" | "replace";
}

export const IP_TAGGING_SHAPE = shape(
  IPTaggingSchema,
  ["request_type", "ip_tags", "ip_tag_header"],
  {},
  { ip_tags_datasource: "networks stand in ip_tags" },
);
export const IP_TAG_SHAPE = shape(IPTagging_IPTagSchema, ["ip_tag_name", "ip_list"]);
export const IP_TAG_HEADER_SHAPE = shape(IPTagging_IpTagHeaderSchema, ["header", "action"]);

/** Errors: no tags, addresses that are none, a header without a name. */
export function decodeIpTagging(message: IPTagging, scope: DecodeScope): IpTaggingConfig {
  checkShape(IP_TAGGING_SHAPE, message, scope);
  if (message.ipTags.length === 0) scope.field("ip_tags").problem("needs at least one");
  const { ipTagHeader } = message;
  if (ipTagHeader !== undefined) {
    checkShape(IP_TAG_HEADER_SHAPE, ipTagHeader, scope.field("ip_tag_header"));
    if (ipTagHeader.header === "") scope.field("ip_tag_header").field("header").problem("is required");
  }
  return {
    kind: "ip-tagging",
    active: message.requestType !== IPTagging_RequestType.INTERNAL,
    tags: message.ipTags.map((tag, i) => decodeTag(tag, scope.field("ip_tags").item(i))),
    header: ipTagHeader?.header.toLowerCase() ?? "x-envoy-ip-tags",
    onSent: ipTagHeader?.action === 0 ? "replace" : "append",
  };
}

function decodeTag(tag: IPTagging_IPTag, scope: DecodeScope): IpTaggingConfig["tags"][number] {
  checkShape(IP_TAG_SHAPE, tag, scope);
  const networks: Cidr[] = [];
  tag.ipList.forEach((range, i) => {
    const cidr = decodeCidr(range, scope.field("ip_list").item(i));
    if (cidr !== undefined) networks.push(cidr);
  });
  return { name: tag.ipTagName, networks };
}
