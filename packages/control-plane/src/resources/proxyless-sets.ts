import type { ProxyView } from "@heddle/model";
import { clientResources, serverListener } from "@heddle/translate";
import type { EncodedResource, ResourceSet } from "@heddle/xds";
import { typeUrls } from "@heddle/xds-api";
import { ClusterSchema } from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import { ListenerSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener";
import { RouteConfigurationSchema } from "@heddle/xds-api/envoy/config/route/v3/route";
import { encodeResource } from "./encode.ts";

/** What gRPC libraries get: each asks for a few names, so resources are made when they are asked for, and kept with their view. */
export function proxylessSets(view: ProxyView): Readonly<Record<string, ResourceSet>> {
  const client = clientResources(view.outbound);
  return {
    [typeUrls.listener]: onDemand(view.hash, (name) => {
      const listener = serverListener(view.inbound, name) ?? client.listener(name);
      return listener && encodeResource(ListenerSchema, name, listener);
    }),
    [typeUrls.route]: onDemand(view.hash, (name) => {
      const routes = client.routes(name);
      return routes && encodeResource(RouteConfigurationSchema, name, routes);
    }),
    [typeUrls.cluster]: onDemand(view.hash, (name) => {
      const cluster = client.cluster(name);
      return cluster && encodeResource(ClusterSchema, name, cluster);
    }),
  };
}

/** A client that asks for endless names must not fill the memory; names that lead nowhere are not kept at all. */
const KEPT = 10_000;

class OnDemand implements ResourceSet {
  readonly version: string;
  readonly #make: (name: string) => EncodedResource | undefined;
  readonly #kept = new Map<string, EncodedResource>();

  constructor(version: string, make: (name: string) => EncodedResource | undefined) {
    this.version = version;
    this.#make = make;
  }

  get(name: string): EncodedResource | undefined {
    const known = this.#kept.get(name);
    if (known !== undefined) return known;
    const made = this.#make(name);
    if (made !== undefined && this.#kept.size < KEPT) this.#kept.set(name, made);
    return made;
  }

  names(): Iterable<string> {
    return [];
  }
}

function onDemand(version: string, make: (name: string) => EncodedResource | undefined): ResourceSet {
  return new OnDemand(version, make);
}
