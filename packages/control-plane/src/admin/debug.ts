import type { Registry } from "@bufbuild/protobuf";
import { formatProblem, type InjectorValues } from "@heddle/config";
import { endpointsFor, type MeshState } from "@heddle/model";
import { loadTypeRegistry } from "@heddle/xds-api";
import type { RemoteClusterStatus } from "../clusters/remote-cluster.ts";
import type { ProxySnapshots } from "../resources/proxy-snapshots.ts";
import type { Connection } from "../xds/connection.ts";
import { configDump, nameTableOf } from "./config-dump.ts";
import { type HttpAnswer, type HttpHandler, json, text } from "./http-server.ts";
import { probeGateways } from "./probe-gateways.ts";
import { connectionEntry, isProxy, syncEntry } from "./sync-status.ts";

export interface DebugOptions {
  readonly connections: () => readonly Connection[];
  readonly state: () => MeshState;
  readonly values: () => InjectorValues;
  readonly snapshots: ProxySnapshots;
  readonly version: string;
  /** The own cluster first. */
  readonly clusters: () => readonly RemoteClusterStatus[];
  /** What is wrong between the resources of the cluster; undefined where there is no cluster. */
  readonly analysis?: () => Promise<readonly unknown[]>;
}

/** The pages under `/debug`, with istiod's names. None of them shows a secret: the control plane's proxies get keys by CSR only. */
export function createDebugHandler(options: DebugOptions): HttpHandler {
  let registry: Promise<Registry> | undefined;
  const find = (url: URL): Connection | HttpAnswer => {
    const id = url.searchParams.get("proxyID") ?? "";
    if (id === "") return text("say which proxy: ?proxyID=<pod>.<namespace>\n", 400);
    const found = options
      .connections()
      .filter(isProxy)
      .filter(({ id: connection, node }) => connection === id || `${node.name}.${node.namespace}` === id);
    return (
      found.at(-1) ?? text(`proxy ${id} is not connected to this replica; connected are those of /debug/syncz\n`, 404)
    );
  };
  const pages: Readonly<Record<string, (url: URL) => HttpAnswer | Promise<HttpAnswer>>> = {
    syncz: () => json(options.connections().filter(isProxy).map(syncEntry)),
    adsz: () =>
      json({ totalClients: options.connections().length, clients: options.connections().map(connectionEntry) }),
    connections: () =>
      json({ totalClients: options.connections().length, clients: options.connections().map(connectionEntry) }),
    ndsz: (url) => {
      const found = find(url);
      return "status" in found && "body" in found ? found : json(nameTableOf(found));
    },
    edsz: (url) => {
      if (url.searchParams.get("proxyID") === null) return json(endpoints(options.state()));
      const found = find(url);
      if ("status" in found && "body" in found) return found;
      const names = found.status().flatMap((one) => (one.wildcard ? [] : one.names));
      return json(names.flatMap((name) => endpointsFor(options.state(), name) ?? []));
    },
    endpointz: () => json(endpoints(options.state())),
    endpointShardz: () => json(Object.fromEntries(options.state().endpoints)),
    registryz: () => json([...options.state().services.values()]),
    workloadz: () => json([...options.state().workloads.values()]),
    configz: () => {
      const { objects, problems } = options.state();
      const {
        services: _services,
        slices: _slices,
        pods: _pods,
        namespaces: _namespaces,
        nodes: _nodes,
        entryStatuses: _entryStatuses,
        unhealthyEntries: _unhealthyEntries,
        ...resources
      } = objects;
      return json({
        resources: Object.fromEntries(Object.entries(resources).map(([kind, byName]) => [kind, [...byName.values()]])),
        problems: [...problems].map(([object, list]) => ({ object, problems: list.map(formatProblem) })),
      });
    },
    mesh: () => json(options.state().settings.mesh),
    networkz: async (url) => {
      const { settings, gateways } = options.state();
      const probe = url.searchParams.get("probe") === "true";
      return json({
        networks: settings.networks,
        gateways: probe ? await probeGateways(gateways) : Object.fromEntries(gateways),
      });
    },
    clusterz: () =>
      json(
        options.clusters().map(({ id, secret, status, reason, lastSyncMs }) => ({
          id,
          ...(secret === "" ? {} : { secretName: secret }),
          syncStatus: status,
          ...(reason === "" ? {} : { reason }),
          ...(lastSyncMs === 0 ? {} : { lastSync: new Date(lastSyncMs).toISOString() }),
        })),
      ),
    inject: () => json(options.values()),
    cachez: () => json(options.snapshots.stats),
    analyze: async () =>
      options.analysis === undefined
        ? text("analysis needs a cluster; use heddle analyze --use-kube=false with files\n", 404)
        : json(await options.analysis()),
    config_dump: async (url) => {
      const found = find(url);
      if ("status" in found && "body" in found) return found;
      registry ??= loadTypeRegistry();
      return json(configDump(found, await registry));
    },
  };
  return (url) => {
    if (url.pathname === "/version") return json({ version: options.version });
    if (url.pathname === "/debug" || url.pathname === "/debug/" || url.pathname === "/debug/list") {
      return text(
        `${Object.keys(pages)
          .map((name) => `/debug/${name}`)
          .join("\n")}\n`,
      );
    }
    const [, area, name = "", ...rest] = url.pathname.split("/");
    return area === "debug" && rest.length === 0 ? pages[name]?.(url) : undefined;
  };
}

function endpoints(state: MeshState): unknown {
  return [...state.services.values()].flatMap((service) =>
    service.ports.map((port) => ({
      svc: `${service.hostname}:${port.name}`,
      ep: (state.endpoints.get(service.hostname)?.ports.get(port.number) ?? []).map(({ workload, ...endpoint }) => ({
        ...endpoint,
        workload: workload === undefined ? undefined : `${workload.name}.${workload.namespace}`,
        identity: workload?.spiffeId,
      })),
    })),
  );
}
