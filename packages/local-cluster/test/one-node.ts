/** A node with the real API server, network, scheduler and controllers, for tests inside namespaces of their own. */
import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createLibc } from "@heddle/netlink";
import { createLineSink, createLogger, createSystemClock } from "@heddle/std";
import { createApiServer, createClusterPki, kubeconfigOf } from "../src/api/index.ts";
import type { ClusterApi } from "../src/contract/index.ts";
import { createControllers } from "../src/controllers/index.ts";
import { decodeCatalogue } from "../src/images/index.ts";
import { createKubelet, type Kubelet } from "../src/kubelet/index.ts";
import { createPodNetwork, networkPlan, setUpNodeNetwork } from "../src/network/index.ts";
import { createPodTokens } from "../src/node/pod-tokens.ts";

export interface OneNode {
  readonly api: ClusterApi;
  readonly kubelet: Kubelet;
  readonly kubeconfig: string;
  close(): Promise<void>;
}

export async function startOneNode(directory: string, rootless: boolean): Promise<OneNode> {
  const clock = createSystemClock();
  const sink = createLineSink("text", (line) => process.stderr.write(line));
  const log = createLogger({ clock, sink, scope: "node", level: "warn" });
  const plan = networkPlan(0);
  const libc = createLibc();
  setUpNodeNetwork(libc, plan);
  const random = (count: number) => new Uint8Array(randomBytes(count));
  const pki = await createClusterPki({ now: Date.now(), randomBytes: random, network: plan });
  const server = await createApiServer({ now: Date.now, randomBytes: random, network: plan, pki, log });
  await server.start([
    { host: plan.nodeIp, port: plan.apiPort },
    { host: "127.0.0.1", port: plan.apiPort },
  ]);
  const controllers = createControllers({ api: server.api, clock, random: Math.random, log, clusterCa: server.caPem });
  await controllers.start();
  const repository = path.resolve(import.meta.dir, "../../..");
  const { catalogue } = decodeCatalogue(JSON.parse(readFileSync(path.join(repository, "images.json"), "utf8")));
  mkdirSync(directory, { recursive: true });
  const kubelet = createKubelet({
    api: server.api,
    network: createPodNetwork(libc, plan),
    plan,
    catalogue,
    cataloguePath: path.join(repository, "images.json"),
    repository,
    bun: realpathSync(process.execPath),
    stateDirectory: path.join(directory, "state"),
    logDirectory: path.join(directory, "log"),
    clock,
    log,
    rootless,
    dns: { clusterIp: plan.dnsServiceIp, clusterDomain: plan.clusterDomain, hostResolvConf: "nameserver 127.0.0.1\n" },
    issueToken: createPodTokens(server.api),
    env: process.env,
    newId: () => randomUUID().replaceAll("-", ""),
  });
  server.setPodStreams(kubelet.streams);
  await kubelet.start();
  const kubeconfig = path.join(directory, "kubeconfig");
  const access = {
    clusterName: "one-node",
    server: `https://127.0.0.1:${plan.apiPort}`,
    caPem: server.caPem,
    token: server.adminToken,
  };
  writeFileSync(kubeconfig, kubeconfigOf(access), { mode: 0o600 });
  return {
    api: server.api,
    kubelet,
    kubeconfig,
    async close() {
      await kubelet.close(1);
      await controllers.close();
      await server.close();
    },
  };
}

if (import.meta.main) {
  const [directory = "/tmp/one-node", mode] = process.argv.slice(2);
  const started = performance.now();
  const node = await startOneNode(directory, mode === "rootless");
  console.log(`${node.kubeconfig} ready in ${Math.round(performance.now() - started)} ms`);
  process.on("SIGTERM", () => void node.close().then(() => process.exit(0)));
}
