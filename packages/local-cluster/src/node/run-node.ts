import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createDnsServer } from "@heddle/dns";
import { createLibc, type Libc } from "@heddle/netlink";
import type { Clock, Logger } from "@heddle/std";
import { type ApiServer, createApiServer, createClusterPki } from "../api/index.ts";
import type { ClusterNetworkPlan } from "../contract/index.ts";
import { createControllers } from "../controllers/index.ts";
import { createResponder, watchStubDomains } from "../dns/index.ts";
import { type Catalogue, decodeCatalogue } from "../images/index.ts";
import { createSyscalls } from "../kubelet/host/syscalls.ts";
import { createKubelet } from "../kubelet/index.ts";
import { createPodNetwork, networkPlan, setUpNodeNetwork } from "../network/index.ts";
import { assignLoadBalancers, createServiceCatalogue, createServiceProxy } from "../service-proxy/index.ts";
import type { NodeConfig } from "../supervisor/node-link.ts";
import type { NodeSide } from "../supervisor/node-side.ts";
import { serveTunnel } from "../supervisor/tunnel.ts";
import { startWan } from "../wan/index.ts";
import { createDnsObjects } from "./cluster-dns-objects.ts";
import { createPodTokens } from "./pod-tokens.ts";

export interface NodeDeps {
  readonly config: NodeConfig;
  readonly host: NodeSide;
  readonly log: Logger;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface RunningNode {
  close(): Promise<void>;
}

const COMPONENT = "service-proxy";
/** Pods get this long to end by themselves when the cluster ends. Units: s. */
const POD_GRACE_SECONDS = 2;
const REPOSITORY = fileURLToPath(new URL("../../../../", import.meta.url)).replace(/\/$/, "");

/** Composes the cluster: network, API server, services and DNS, controllers, node agent. Errors: rejects when a part can't start. */
export async function runNode(deps: NodeDeps): Promise<RunningNode> {
  const { config, host, log, clock } = deps;
  const parts = new ClusterParts(deps, networkPlan(config.index, config.network), createLibc());
  await host.phase("network", () => parts.startNetwork());
  const server = await host.phase("api", () => parts.startApi());
  await host.phase("services", () => parts.startServices(server));
  await host.phase("controllers", async () => {
    const controllers = createControllers({
      api: server.api,
      clock,
      random: Math.random,
      log: log.child("controllers"),
      clusterCa: server.caPem,
    });
    await controllers.start();
    parts.onClose(() => controllers.close());
  });
  await host.phase("node", () => parts.startKubelet(server));
  host.ready({ caPem: server.caPem, token: server.adminToken });
  return { close: () => parts.close() };
}

class ClusterParts {
  readonly #deps: NodeDeps;
  readonly #plan: ClusterNetworkPlan;
  readonly #libc: Libc;
  readonly #closers: (() => Promise<void> | void)[] = [];

  constructor(deps: NodeDeps, plan: ClusterNetworkPlan, libc: Libc) {
    this.#deps = deps;
    this.#plan = plan;
    this.#libc = libc;
  }

  onClose(closer: () => Promise<void> | void): void {
    this.#closers.push(closer);
  }

  /** In reverse order of the starts. */
  async close(): Promise<void> {
    for (const closer of this.#closers.splice(0).reverse()) await closer();
  }

  async startNetwork(): Promise<void> {
    const { index, directory, tunnelSocket } = this.#deps.config;
    setUpNodeNetwork(this.#libc, this.#plan);
    const log = this.#deps.log.child("wan");
    const alone = startWan({ libc: this.#libc, plan: this.#plan, index, directory, log });
    if (alone !== undefined) log.warn("no link to other clusters", { reason: alone });
    const tunnel = await serveTunnel(tunnelSocket);
    this.onClose(() => tunnel.close());
  }

  async startApi(): Promise<ApiServer> {
    const network = this.#plan;
    const random = (count: number) => new Uint8Array(randomBytes(count));
    const { clock, log } = this.#deps;
    const pki = await createClusterPki({ now: clock.now(), randomBytes: random, network });
    const server = await createApiServer({
      now: () => clock.now(),
      randomBytes: random,
      network,
      pki,
      log: log.child("api"),
    });
    await server.start([
      { host: network.nodeIp, port: network.apiPort },
      { host: network.externalIp, port: network.apiPort },
      { host: "127.0.0.1", port: network.apiPort },
    ]);
    this.onClose(() => server.close());
    return server;
  }

  async startServices(server: ApiServer): Promise<void> {
    const { host, log } = this.#deps;
    const plan = this.#plan;
    await createDnsObjects(server.api, plan);
    const catalogue = createServiceCatalogue(server.api);
    this.onClose(() => catalogue.close());
    await catalogue.start();
    const proxyLog = log.child("service-proxy");
    const proxy = createServiceProxy({ libc: this.#libc, plan, catalogue, log: proxyLog, onNodePorts: host.nodePorts });
    proxy.start();
    this.onClose(() => proxy.close());
    assignLoadBalancers(server.api, plan, catalogue, proxyLog);
    this.#reportNodePorts(server, proxyLog);
    const upstream = host.hostResolvers;
    const stubs = watchStubDomains(server.api, this.#deps.clock, log.child("dns"));
    this.onClose(() => stubs.close());
    const stubDomains = stubs.domains;
    const responder = createResponder({ plan, data: catalogue, upstream, stubDomains, random: Math.random });
    const dns = createDnsServer({ address: plan.dnsServiceIp, responder, log: log.child("dns") });
    await dns.start();
    this.onClose(() => dns.close());
  }

  #reportNodePorts(server: ApiServer, log: Logger): void {
    this.#deps.host.onNodePortTried(({ service, port, balancer }, problem) => {
      if (problem !== undefined) log.warn("port of a Service not open on the host", { service, reason: problem });
      else if (balancer === undefined) return;
      const [namespace, name = ""] = service.split("/");
      server.api.get({ group: "", version: "v1", resource: "services" }, namespace, name).then(
        (object) =>
          problem === undefined
            ? server.api.event(object, "Normal", "EnsuredLoadBalancer", `from the host at 127.0.0.1:${port}`, COMPONENT)
            : server.api.event(
                object,
                "Warning",
                balancer ? "LoadBalancerNotOpen" : "NodePortNotOpen",
                problem,
                COMPONENT,
              ),
        () => undefined,
      );
    });
  }

  async startKubelet(server: ApiServer): Promise<void> {
    const { config, log, clock, env } = this.#deps;
    // A file system of its own: `/run` may forbid running programs, and nothing of it may outlive the cluster.
    createSyscalls().mountFs("tmpfs", config.nodeDirectory, "mode=0755");
    const cataloguePath = join(REPOSITORY, "images.json");
    const kubelet = createKubelet({
      api: server.api,
      network: createPodNetwork(this.#libc, this.#plan),
      plan: this.#plan,
      catalogue: readCatalogue(cataloguePath, log),
      cataloguePath,
      repository: REPOSITORY,
      bun: process.execPath,
      stateDirectory: config.nodeDirectory,
      logDirectory: config.logDirectory,
      clock,
      log: log.child("kubelet"),
      rootless: config.rootless,
      dns: {
        clusterIp: this.#plan.dnsServiceIp,
        clusterDomain: this.#plan.clusterDomain,
        hostResolvConf: readOptional("/etc/resolv.conf"),
      },
      issueToken: createPodTokens(server.api),
      env,
      newId: () => randomBytes(32).toString("hex"),
    });
    server.setPodStreams(kubelet.streams);
    await kubelet.start();
    this.onClose(() => kubelet.close(POD_GRACE_SECONDS));
  }
}

/** Errors: throws when the file is missing or no JSON; entries with problems are logged and left out. */
function readCatalogue(path: string, log: Logger): Catalogue {
  const { catalogue, problems } = decodeCatalogue(JSON.parse(readFileSync(path, "utf8")));
  for (const problem of problems) log.warn("image catalogue entry ignored", { file: path, ...problem });
  return catalogue;
}

function readOptional(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
