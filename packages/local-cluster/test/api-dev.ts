/**
 * Runs the API server alone: `bun test/api-dev.ts [port]` writes `api-dev.kubeconfig` to the temporary folder and prints its path. SIGUSR2
 * puts its clock an hour forward.
 */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createApiServer, createClusterPki, kubeconfigOf } from "../src/api/index.ts";
import type { ClusterNetworkPlan } from "../src/contract/index.ts";

const network: ClusterNetworkPlan = {
  nodeName: "heddle-node",
  nodeIp: "10.40.255.1",
  externalIp: "198.18.0.1",
  flat: false,
  podCidr: "10.40.0.0/16",
  serviceCidr: "10.140.0.0/16",
  apiServiceIp: "10.140.0.1",
  dnsServiceIp: "10.140.0.10",
  clusterDomain: "cluster.local",
  apiPort: 6443,
  nodePortRange: [30000, 32767],
  firstAutomaticNodePort: 31384,
};
const started = performance.now();
const pki = await createClusterPki({ now: Date.now(), randomBytes, network });
let aheadMs = 0;
process.on("SIGUSR2", () => {
  aheadMs += 3_600_000;
});
const log = { info: console.error, warn: console.error, error: console.error };
const server = await createApiServer({ now: () => Date.now() + aheadMs, randomBytes, network, pki, log });
const [port] = await server.start([{ host: "127.0.0.1", port: Number(process.argv[2] ?? "0") }]);
const path = join(tmpdir(), "api-dev.kubeconfig");
const access = {
  clusterName: "api-dev",
  server: `https://127.0.0.1:${port}`,
  caPem: server.caPem,
  token: server.adminToken,
};
writeFileSync(path, kubeconfigOf(access), { mode: 0o600 });
console.log(`${path} ready in ${Math.round(performance.now() - started)} ms`);
