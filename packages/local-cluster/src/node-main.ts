import { randomBytes } from "node:crypto";
import { createLibc } from "@heddle/netlink";
import { createLineSink, createLogger, createSystemClock, type Logger } from "@heddle/std";
import { createApiServer, createClusterPki } from "./api/index.ts";
import type { ClusterApi, ClusterNetworkPlan } from "./contract/index.ts";
import { createDnsServer, createResponder } from "./dns/index.ts";
import { createPodNetwork, networkPlan, setUpNodeNetwork } from "./network/index.ts";
import { createServiceCatalogue, createServiceProxy, type ServiceCatalogue } from "./service-proxy/index.ts";
import { NODE_CONFIG_VARIABLE, type NodeConfig } from "./supervisor/node-link.ts";
import { createNodeSide, type NodeSide } from "./supervisor/node-side.ts";
import { serveTunnel } from "./supervisor/tunnel.ts";

/**
 * The node process: everything of one cluster, inside its own namespaces. Standard input and output are the link to the host process,
 * standard error is `node.log`. When it ends, the kernel ends whatever it started.
 */
export async function runNode(config: NodeConfig, host: NodeSide, log: Logger): Promise<() => Promise<void>> {
  const plan = networkPlan(config.index, config.clusterDomain);
  const libc = createLibc();
  const closers: (() => Promise<void> | void)[] = [];

  await host.phase("network", async () => {
    setUpNodeNetwork(libc, plan);
    const tunnel = await serveTunnel(config.tunnelSocket);
    closers.push(() => tunnel.close());
  });
  const server = await host.phase("api", async () => {
    const random = (count: number) => new Uint8Array(randomBytes(count));
    const pki = await createClusterPki({ now: Date.now(), randomBytes: random, network: plan });
    const made = await createApiServer({
      now: Date.now,
      randomBytes: random,
      network: plan,
      pki,
      log: log.child("api"),
    });
    await made.start([
      { host: plan.nodeIp, port: plan.apiPort },
      { host: "127.0.0.1", port: plan.apiPort },
    ]);
    closers.push(() => made.close());
    return made;
  });
  const catalogue = createServiceCatalogue(server.api);
  closers.push(() => catalogue.close());
  await host.phase("services", () => startServices(server.api, plan, catalogue, host, log, libc, closers));
  createPodNetwork(libc, plan);
  host.ready({ caPem: server.caPem, token: server.adminToken });
  return async () => {
    for (const close of closers.reverse()) await close();
  };
}

async function startServices(
  api: ClusterApi,
  plan: ClusterNetworkPlan,
  catalogue: ServiceCatalogue,
  host: NodeSide,
  log: Logger,
  libc: ReturnType<typeof createLibc>,
  closers: (() => Promise<void> | void)[],
): Promise<void> {
  await catalogue.start();
  const proxy = createServiceProxy({
    libc,
    plan,
    catalogue,
    log: log.child("service-proxy"),
    onNodePorts: host.nodePorts,
  });
  proxy.start();
  closers.push(() => proxy.close());
  host.onNodePortFailed(({ service }, reason) => {
    const [namespace, name = ""] = service.split("/");
    log.warn("NodePort not open on the host", { service, reason });
    void api.get({ group: "", version: "v1", resource: "services" }, namespace, name).then(
      (object) => api.event(object, "Warning", "NodePortNotOpen", reason, "service-proxy"),
      () => undefined,
    );
  });
  const responder = createResponder({
    plan,
    data: catalogue,
    upstream: host.hostResolvers,
    stubDomains: () => [],
    random: Math.random,
  });
  const dns = createDnsServer({ address: plan.dnsServiceIp, responder, log: log.child("dns") });
  await dns.start();
  closers.push(() => dns.close());
}

function readConfig(): NodeConfig {
  const text = process.env[NODE_CONFIG_VARIABLE];
  if (text === undefined) throw new Error(`${NODE_CONFIG_VARIABLE} is not set; heddle local up starts this program`);
  delete process.env[NODE_CONFIG_VARIABLE];
  return JSON.parse(text) as NodeConfig;
}

if (import.meta.main) {
  const clock = createSystemClock();
  const sink = createLineSink("text", (line) => process.stderr.write(line));
  const log = createLogger({ clock, sink, scope: "node" });
  const host = createNodeSide(process.stdin, process.stdout);
  try {
    const close = await runNode(readConfig(), host, log);
    host.onStop(() => {
      void close().finally(() => process.exit(0));
    });
  } catch (error) {
    log.error("the node could not start", { error: String(error), stack: error instanceof Error ? error.stack : "" });
    host.failed(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
    setTimeout(() => process.exit(1), 50);
  }
}
