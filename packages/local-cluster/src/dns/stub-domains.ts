import { createUpstream, type NameServer } from "@heddle/dns";
import type { Clock, Logger } from "@heddle/std";
import type { ClusterApi, KubeObject, ResourceId } from "../contract/index.ts";
import { readStubZones } from "./stub-zones.ts";
import type { StubDomain } from "./upstream.ts";

const CONFIG_MAPS: ResourceId = { group: "", version: "v1", resource: "configmaps" };
const NAMESPACE = "kube-system";
const QUIET = { onAsked: () => undefined, onAnswered: () => undefined, onFailed: () => undefined };

/** The stub domains of the ConfigMaps `kube-dns` and `coredns`, kept current by a watch. */
export interface StubDomains {
  domains(): readonly StubDomain[];
  close(): void;
}

export function watchStubDomains(api: ClusterApi, clock: Clock, log: Logger): StubDomains {
  const maps = new Map<string, KubeObject>();
  let domains: readonly StubDomain[] = [];
  const rebuild = () => {
    const { zones, problems } = readStubZones(
      textOf(maps, "kube-dns", "stubDomains"),
      textOf(maps, "coredns", "Corefile"),
    );
    for (const problem of problems) log.warn("part of the DNS configuration ignored", { problem });
    domains = zones.map(({ domain, servers }) => ({ domain, upstream: askWith(servers, clock) }));
  };
  const watch = api.watch(CONFIG_MAPS, { namespace: NAMESPACE }, ({ type, object }) => {
    if (type === "DELETED") maps.delete(object.metadata.name);
    else maps.set(object.metadata.name, object);
    if (object.metadata.name === "kube-dns" || object.metadata.name === "coredns") rebuild();
  });
  return { domains: () => domains, close: () => watch.close() };
}

function askWith(servers: readonly NameServer[], clock: Clock): StubDomain["upstream"] {
  const upstream = createUpstream({ servers: () => servers, clock, events: QUIET });
  return { resolve: (query) => upstream.resolve(query, "udp") };
}

function textOf(maps: ReadonlyMap<string, KubeObject>, name: string, key: string): string | undefined {
  const data = maps.get(name)?.["data"];
  if (typeof data !== "object" || data === null) return undefined;
  const text = Object.entries(data).find(([one]) => one === key)?.[1];
  return typeof text === "string" ? text : undefined;
}
