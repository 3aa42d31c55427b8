import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@heddle/std/free-ports";
import {
  cluster,
  downstreamTls,
  HTTP_INSPECTOR,
  httpFilterChain,
  type Json,
  listener,
  MESH_HTTP,
  MESH_TCP,
  TLS_INSPECTOR,
  tcpFilterChain,
  upstreamTls,
} from "./bootstrap.ts";
import { type ProxyProcess, startProxy } from "./proxy-process.ts";
import { issueWorkloads, type WorkloadFiles } from "./workloads.ts";

/** One service that is called through the pair. */
export interface ServicePlan {
  /** Where the application listens. */
  readonly origin: number;
  /** `sniff` is a port whose protocol nobody declared. */
  readonly declared: "http" | "tcp" | "sniff";
  /** More for the client side's connection manager, route or cluster. */
  readonly manager?: Json;
  readonly route?: Json;
}

export interface PairPlan<Name extends string> {
  readonly services: Readonly<Record<Name, ServicePlan>>;
  /** Plain text into the server side. Default: refused (STRICT). */
  readonly permissive?: boolean;
  readonly engines?: { readonly client?: "heddle" | "envoy"; readonly server?: "heddle" | "envoy" };
  readonly serverArgs?: readonly string[];
  readonly clientArgs?: readonly string[];
}

/** Two sidecars with mTLS between them, in the shape that the control plane gives them. */
export interface Pair<Name extends string> {
  readonly client: ProxyProcess;
  readonly server: ProxyProcess;
  /** Where clients connect to, and where a pod without a sidecar would. */
  readonly ports: Readonly<Record<Name, { readonly outbound: number; readonly inbound: number }>>;
  stop(): Promise<void>;
}

/** The detection timeout of the pair's listeners: longer than a busy machine keeps a client from its first bytes. Units: ms. */
export const DETECTION_MS = 3000;
const INSPECT: Json = {
  listener_filters: [TLS_INSPECTOR, HTTP_INSPECTOR],
  listener_filters_timeout: `${DETECTION_MS / 1000}s`,
  continue_on_listener_filters_timeout: true,
};

export async function startPair<Name extends string>(plan: PairPlan<Name>): Promise<Pair<Name>> {
  const folder = mkdtempSync(join(tmpdir(), "heddle-pair-"));
  const names = Object.keys(plan.services) as Name[];
  const free = freePorts(names.length * 2 + 2);
  const take = () => free.pop() ?? 0;
  const ports: Partial<Record<Name, { outbound: number; inbound: number }>> = {};
  for (const name of names) ports[name] = { outbound: take(), inbound: take() };
  const all = ports as Record<Name, { outbound: number; inbound: number }>;
  const started: ProxyProcess[] = [];
  const stop = async () => {
    await Promise.all(started.map((proxy) => proxy.stop()));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const certificates = await issueWorkloads(folder, ["client", "server"]);
    const start = async (side: "client" | "server"): Promise<ProxyProcess> => {
      const bootstrap = (side === "client" ? clientSide : serverSide)(plan, names, all, certificates);
      const args = (side === "client" ? plan.clientArgs : plan.serverArgs) ?? [];
      const proxy = await startProxy({ engine: plan.engines?.[side] ?? "heddle", bootstrap, adminPort: take(), args });
      started.push(proxy);
      return proxy;
    };
    const [server, client] = await Promise.allSettled([start("server"), start("client")]);
    if (server.status === "rejected") throw server.reason;
    if (client.status === "rejected") throw client.reason;
    return { client: client.value, server: server.value, ports: all, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Certificates = Readonly<Record<"client" | "server", WorkloadFiles>>;

function clientSide<Name extends string>(
  plan: PairPlan<Name>,
  names: readonly Name[],
  ports: Readonly<Record<Name, { outbound: number; inbound: number }>>,
  { client, server }: Certificates,
): Json {
  const listeners: Json[] = [];
  const clusters: Json[] = [];
  for (const name of names) {
    const service = plan.services[name];
    const http = httpFilterChain(`${name}-http`, service.manager, service.route);
    const tcp = tcpFilterChain(`${name}-tcp`);
    const port = ports[name].outbound;
    const outbound = { traffic_direction: "OUTBOUND" };
    if (service.declared === "http") listeners.push(listener(name, port, [http], outbound));
    else if (service.declared === "tcp") listeners.push(listener(name, port, [tcp], outbound));
    else {
      const match = { filter_chain_match: { application_protocols: ["http/1.0", "http/1.1", "h2c"] } };
      listeners.push(
        listener(name, port, [{ ...http, ...match }], { ...outbound, ...INSPECT, default_filter_chain: tcp }),
      );
    }
    const to = [ports[name].inbound];
    clusters.push(
      cluster(`${name}-http`, to, "downstream", upstreamTls(client, server, ["istio-http/1.1", "istio-h2"])),
    );
    clusters.push(cluster(`${name}-tcp`, to, "downstream", upstreamTls(client, server, ["istio"])));
  }
  return { node: { id: "client", cluster: "client" }, static_resources: { listeners, clusters } };
}

function serverSide<Name extends string>(
  plan: PairPlan<Name>,
  names: readonly Name[],
  ports: Readonly<Record<Name, { outbound: number; inbound: number }>>,
  { client, server }: Certificates,
): Json {
  const listeners: Json[] = [];
  const clusters: Json[] = [];
  for (const name of names) {
    const http = httpFilterChain(name);
    const tcp = tcpFilterChain(name);
    // As the control plane does it: mesh names choose the chain, only stock names are negotiated, and the bytes tell the version.
    const secure = (names: readonly string[], negotiated: readonly string[]) => ({
      filter_chain_match: { transport_protocol: "tls", application_protocols: names },
      ...downstreamTls(server, client, negotiated),
    });
    const chains: Json[] = [
      { ...http, ...secure(MESH_HTTP, ["h2", "http/1.1"]) },
      { ...tcp, ...secure(MESH_TCP, []) },
    ];
    if (plan.permissive === true) {
      const plain = (protocols?: readonly string[]) => ({
        filter_chain_match: {
          transport_protocol: "raw_buffer",
          ...(protocols === undefined ? {} : { application_protocols: protocols }),
        },
      });
      if (plan.services[name].declared !== "tcp") chains.push({ ...http, ...plain(["http/1.0", "http/1.1", "h2c"]) });
      chains.push({ ...tcp, ...plain() });
      chains.push({ ...tcp, filter_chain_match: { transport_protocol: "tls" } });
    }
    listeners.push(listener(name, ports[name].inbound, chains, { traffic_direction: "INBOUND", ...INSPECT }));
    clusters.push(cluster(name, [plan.services[name].origin]));
  }
  return { node: { id: "server", cluster: "server" }, static_resources: { listeners, clusters } };
}
