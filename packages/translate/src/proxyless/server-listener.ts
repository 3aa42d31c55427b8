import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { InboundView } from "@heddle/model";
import { packAny } from "@heddle/xds-api";
import { TrafficDirection } from "@heddle/xds-api/envoy/config/core/v3/base";
import { type Listener, ListenerSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener";
import { RBACSchema } from "@heddle/xds-api/envoy/extensions/filters/http/rbac/v3/rbac";
import {
  HttpConnectionManagerSchema,
  type HttpFilterSchema,
} from "@heddle/xds-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import { tcpAddress } from "../address.ts";
import { type AccessRules, accessRules } from "../authorization/rbac.ts";
import { provenance } from "../provenance.ts";
import { routerFilter } from "./client-resources.ts";
import { providerServerTls } from "./provider-tls.ts";

type HttpFilter = MessageInitShape<typeof HttpFilterSchema>;

/** What servers ask for: Istio's name and the one of gRPC's own examples, both before the address that is listened on. */
const prefixes = ["xds.istio.io/grpc/lds/inbound/", "grpc/server?xds.resource.listening_address="];

/**
 * The listener of a gRPC server, by the name that the bootstrap's template makes of its address. A gRPC library cannot tell TLS from plain
 * text on one port, so PERMISSIVE is plain text, as in Istio. Source: gRFCs A36, A41.
 */
export function serverListener(view: InboundView, name: string): Listener | undefined {
  const prefix = prefixes.find((one) => name.startsWith(one));
  const address = /^(?:\[(.*)\]|([^:]*)):(\d+)$/.exec(name.slice(prefix?.length ?? 0));
  const port = Number(address?.[3] ?? 0);
  if (prefix === undefined || address === null || port < 1 || port > 65535) return undefined;
  const host = address[1] ?? address[2] ?? "";
  const mode = view.mtls.ports[port] ?? view.mtls.mode;
  const manager = create(HttpConnectionManagerSchema, {
    routeSpecifier: {
      case: "routeConfig",
      value: {
        name: `inbound|${port}||`,
        virtualHosts: [
          {
            name: `inbound|${port}`,
            domains: ["*"],
            routes: [
              {
                name: "default",
                match: { pathSpecifier: { case: "prefix", value: "/" } },
                action: { case: "nonForwardingAction", value: {} },
              },
            ],
          },
        ],
      },
    },
    httpFilters: [...accessFilters(accessRules(view.authorization, view.settings, true)), routerFilter],
  });
  return create(ListenerSchema, {
    name,
    address: tcpAddress(host === "" ? "0.0.0.0" : host, port),
    trafficDirection: TrafficDirection.INBOUND,
    filterChains: [
      {
        name: `inbound-${port}`,
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            configType: { case: "typedConfig", value: packAny(HttpConnectionManagerSchema, manager) },
          },
        ],
        ...(mode === "STRICT" ? { transportSocket: providerServerTls() } : {}),
      },
    ],
    metadata: provenance(view.ports.filter(({ number }) => number === port).map(({ service }) => service.source)),
  });
}

/** DENY, then ALLOW; gRPC wants names that differ. It cannot ask others, so what CUSTOM policies select is denied. */
function accessFilters({ deny, allow, custom }: AccessRules): HttpFilter[] {
  const unasked = custom.marks ?? custom.deny;
  return [
    ...(unasked === undefined ? [] : [{ name: "envoy.filters.http.rbac.custom", rules: unasked }]),
    ...(deny === undefined ? [] : [{ name: "envoy.filters.http.rbac.deny", rules: deny }]),
    ...(allow === undefined ? [] : [{ name: "envoy.filters.http.rbac.allow", rules: allow }]),
  ].map(({ name, rules }) => ({
    name,
    configType: { case: "typedConfig", value: packAny(RBACSchema, create(RBACSchema, { rules })) },
  }));
}
