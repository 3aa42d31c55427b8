import { isDeepStrictEqual } from "node:util";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { refKey } from "@heddle/config";
import type { GatewayServer, LeftOut, OutboundView, RoutingRule } from "@heddle/model";
import { type RouteConfiguration, RouteConfigurationSchema } from "@heddle/xds-api/envoy/config/route/v3/route";
import type { RouteSchema, VirtualHostSchema } from "@heddle/xds-api/envoy/config/route/v3/route_components";
import { provenance, type Source } from "../provenance.ts";
import { httpRoutes } from "../route/http-route.ts";
import { type GatewayPort, gatewayPorts, gatewayRouteName, readsHttp } from "./ports.ts";

type Route = MessageInitShape<typeof RouteSchema>;
type VirtualHost = MessageInitShape<typeof VirtualHostSchema>;

/** The route configurations of a gateway: one for each plain-text port, one for each server that ends TLS. */
export function gatewayRoutes(view: OutboundView): readonly RouteConfiguration[] {
  return gatewayPorts(view).flatMap((port) => {
    if (port.wire === "http") return port.servers.slice(0, 1).map((first) => routesOf(view, port, first, port.servers));
    return port.servers.filter(readsHttp).map((server) => routesOf(view, port, server, [server]));
  });
}

interface Host {
  redirect: boolean;
  readonly routes: Route[];
  readonly sources: Source[];
  readonly leftOut: LeftOut[];
}

/** VirtualServices for one host add up on gateways, the oldest first. */
function routesOf(
  view: OutboundView,
  port: GatewayPort,
  named: GatewayServer,
  servers: readonly GatewayServer[],
): RouteConfiguration {
  const hosts = new Map<string, Host>();
  // Of VirtualServices that give no virtual host at all.
  const leftOut: LeftOut[] = [];
  const isNew = createOnceTest();
  const at = (name: string): Host => {
    const found = hosts.get(name) ?? { redirect: false, routes: [], sources: [], leftOut: [] };
    hosts.set(name, found);
    return found;
  };
  for (const { server, hosts: own, rules, at: place } of servers) {
    const redirect = server.tls?.httpsRedirect === true;
    if (redirect) for (const name of own) Object.assign(at(name), { redirect: true }).sources.push(place);
    for (const rule of rules) {
      // Conditions on a port mean the one that clients see: the server's, not the one behind the Service.
      const routes = httpRoutes(view, rule, server.port.number);
      if (routes.length === 0) {
        leftOut.push(...(rule.leftOut ?? []));
        continue;
      }
      for (const name of rule.hosts) {
        const host = at(name);
        host.redirect ||= redirect;
        if (!isNew(name, rule, routes)) continue;
        host.routes.push(...routes);
        host.sources.push(...rule.sources);
        host.leftOut.push(...(rule.leftOut ?? []));
      }
    }
  }
  return create(RouteConfigurationSchema, {
    name: gatewayRouteName(port, named),
    virtualHosts: [
      ...[...hosts].map(([name, host]) => virtualHost(view, named, name, host)),
      ...misdirected(port, named, hosts),
    ],
    ignorePortInHostMatching: true,
    validateClusters: false,
    maxDirectResponseBodySizeBytes: 1_048_576,
    metadata: provenance(
      servers.map(({ at: place }) => place),
      {},
      leftOut,
    ),
  });
}

/** A VirtualService that is bound to several servers of a port comes once for each; what says the same again is never reached. */
function createOnceTest(): (host: string, rule: RoutingRule, routes: readonly Route[]) => boolean {
  const known = new Map<string, (readonly Route[])[]>();
  return (host, { sources: [source] }, routes) => {
    const key = source === undefined ? host : `${host} ${refKey(source)}`;
    const before = known.get(key) ?? [];
    if (before.some((one) => isDeepStrictEqual(one, routes))) return false;
    known.set(key, [...before, routes]);
    return true;
  };
}

/** Named by the port that clients see, as EnvoyFilters written for Istio expect. */
function virtualHost(view: OutboundView, named: GatewayServer, name: string, host: Host): VirtualHost {
  return {
    name: `${name}:${named.server.port.number}`,
    domains: [name],
    routes: host.redirect ? [toHttps(view), ...host.routes] : host.routes,
    includeRequestAttemptCount: true,
    metadata: provenance(host.sources, {}, host.leftOut),
  };
}

/**
 * Clients of HTTP/2 may send requests for another host over a connection whose certificate covers both. Hosts of other servers of the
 * port are answered 421, upon which they open a connection of their own (RFC 9113, 9.1.2), where a 404 would be taken for the truth.
 */
function misdirected(port: GatewayPort, named: GatewayServer, hosts: ReadonlyMap<string, Host>): VirtualHost[] {
  if (port.wire === "http") return [];
  const others = port.servers.filter((server) => server !== named).flatMap((server) => server.hosts);
  const own = new Set([...hosts.keys(), ...named.hosts]);
  const domains = [...new Set(others)].filter((host) => !own.has(host));
  if (domains.length === 0) return [];
  const match = { pathSpecifier: { case: "prefix", value: "/" } } as const;
  const action = { case: "directResponse", value: { status: 421 } } as const;
  return [{ name: `misdirected:${port.number}`, domains, routes: [{ name: "misdirected", match, action }] }];
}

/** Where a trusted proxy in front may have ended TLS already, only requests that it did not get by HTTPS are redirected. */
function toHttps(view: OutboundView): Route {
  const trusted = view.settings.mesh.defaultConfig.gatewayTopology?.numTrustedProxies ?? 0;
  return {
    name: "https-redirect",
    match: {
      pathSpecifier: { case: "prefix", value: "/" },
      ...(trusted === 0
        ? {}
        : {
            headers: [
              {
                name: "x-forwarded-proto",
                headerMatchSpecifier: {
                  case: "stringMatch",
                  value: { matchPattern: { case: "exact", value: "https" } },
                },
                invertMatch: true,
              },
            ],
          }),
    },
    action: { case: "redirect", value: { schemeRewriteSpecifier: { case: "httpsRedirect", value: true } } },
  };
}
