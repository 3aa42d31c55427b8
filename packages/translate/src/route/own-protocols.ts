import { create } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { OutboundView } from "@heddle/model";
import { packAny } from "@heddle/xds-api";
import { FilterConfigSchema } from "@heddle/xds-api/envoy/config/route/v3/route_components";
import { effectivePolicy } from "../cluster/effective-policy.ts";
import { MESH_PROTOCOLS_FILTER } from "../http/filters.ts";

const off: Readonly<Record<string, Any>> = {
  [MESH_PROTOCOLS_FILTER]: packAny(FilterConfigSchema, create(FilterConfigSchema, { disabled: true })),
};

/**
 * Filter configuration of a route to one destination: where a DestinationRule originates TLS, its cluster's own protocols are offered, because
 * servers outside of the mesh may refuse a handshake that offers only the mesh's. Source: nginx, Go; RFC 7301 3.2.
 */
export function ownProtocols(
  view: Pick<OutboundView, "policies">,
  host: string,
  port: number,
  subset: string | undefined,
): Readonly<Record<string, Any>> {
  const mode = effectivePolicy(view.policies[host], port, subset).tls?.mode;
  return mode === "SIMPLE" || mode === "MUTUAL" ? off : {};
}
