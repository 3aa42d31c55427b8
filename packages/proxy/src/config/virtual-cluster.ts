import type { VirtualCluster } from "@heddle/xds-api/envoy/config/route/v3/route_components";
import { decodeHeaderMatch, type HeaderMatch } from "./header-match.ts";
import type { DecodeScope } from "./scope.ts";

/** Requests that are counted apart from others of their virtual host. */
export interface VirtualClusterConfig {
  readonly name: string;
  /** All must match. */
  readonly headers: readonly HeaderMatch[];
}

export function decodeVirtualClusters(
  messages: readonly VirtualCluster[],
  scope: DecodeScope,
): readonly VirtualClusterConfig[] {
  return messages.map((message, i) => {
    const at = scope.item(i);
    if (message.name === "") at.field("name").problem("a virtual cluster needs a name; its statistics have it");
    const headers: HeaderMatch[] = [];
    message.headers.forEach((header, j) => {
      const decoded = decodeHeaderMatch(header, at.field("headers").item(j));
      if (decoded !== undefined) headers.push(decoded);
    });
    return { name: message.name, headers };
  });
}
