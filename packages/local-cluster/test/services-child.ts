import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createDnsServer } from "@heddle/dns";
import { createLibc } from "@heddle/netlink";
import { createNullLogger } from "@heddle/std";
import { createApiServer, createClusterPki } from "../src/api/index.ts";
import type { KubeObject } from "../src/contract/index.ts";
import { createResponder } from "../src/dns/index.ts";
import { createPodNetwork, networkPlan, setUpNodeNetwork } from "../src/network/index.ts";
import { createServiceCatalogue, createServiceProxy } from "../src/service-proxy/index.ts";

/** Runs inside a fresh network namespace: real API server, service proxy, DNS and three pods. Prints what calls reached as JSON. */
const plan = networkPlan(7);
const libc = createLibc();
setUpNodeNetwork(libc, plan);
const random = (count: number) => new Uint8Array(randomBytes(count));
const log = createNullLogger();
const pki = await createClusterPki({ now: Date.now(), randomBytes: random, network: plan });
const server = await createApiServer({ now: Date.now, randomBytes: random, network: plan, pki, log });
const { api } = server;

const network = createPodNetwork(libc, plan);
const started: ChildProcess[] = [];
async function ready(file: string, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
  started.push(child);
  await new Promise((resolve) => child.stdout?.once("data", resolve));
  return child;
}
const bun = process.execPath;
async function pod(name: string): Promise<{ readonly ip: string; readonly pid: number }> {
  const { pid = 0 } = await ready("unshare", ["-n", "sh", "-c", "echo up; exec sleep 300"]);
  const { ip } = await network.attach(name, pid);
  await ready("nsenter", ["-t", String(pid), "-n", bun, `${import.meta.dir}/pod-server.ts`, name, "8080"]);
  return { ip, pid };
}
const [a, b, c] = await Promise.all([pod("a"), pod("b"), pod("c")]);

const SLICES = { group: "discovery.k8s.io", version: "v1", resource: "endpointslices" };
function slice(name: string, ips: readonly string[]): KubeObject {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name, namespace: "default", labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    endpoints: ips.map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
    ports: [{ name: "tcp", port: 8080, protocol: "TCP" }],
  };
}
async function service(
  name: string,
  clusterIP: string,
  ips: readonly string[],
  more: Record<string, unknown> = {},
): Promise<void> {
  const port = {
    name: "tcp",
    port: 80,
    protocol: "TCP",
    targetPort: 8080,
    ...(more["nodePort"] ? { nodePort: more["nodePort"] } : {}),
  };
  await api.create(
    { group: "", version: "v1", resource: "services" },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: "default" },
      spec: {
        type: more["nodePort"] ? "NodePort" : "ClusterIP",
        clusterIP,
        clusterIPs: [clusterIP],
        ports: [port],
        sessionAffinity: more["affinity"] ?? "None",
      },
    },
  );
  if (ips.length > 0) await api.create(SLICES, slice(name, ips));
}
const ip = (last: number) => `10.147.1.${last}`;
await service("both", ip(1), [a.ip, b.ip], { nodePort: 30777 });
await service("self", ip(2), [c.ip]);
await service("sticky", ip(3), [a.ip, b.ip], { affinity: "ClientIP" });
await service("empty", ip(4), []);

const catalogue = createServiceCatalogue(api);
await catalogue.start();
const nodePorts: unknown[] = [];
createServiceProxy({ libc, plan, catalogue, log, onNodePorts: (ports) => nodePorts.push(...ports) }).start();
const upstream = { resolve: () => Promise.resolve(undefined) };
const responder = createResponder({ plan, data: catalogue, upstream, stubDomains: () => [], random: Math.random });
await createDnsServer({ address: plan.dnsServiceIp, responder, log }).start();

async function calls(argv: readonly string[], list: readonly string[]): Promise<unknown> {
  const [file = "", ...args] = [...argv, bun, `${import.meta.dir}/pod-calls.ts`, plan.dnsServiceIp, ...list];
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk) => {
    text += chunk;
  });
  await new Promise((resolve) => child.once("close", resolve));
  return JSON.parse(text);
}
const inC = ["nsenter", "-t", String(c.pid), "-n"];
const list = [
  `${ip(1)}:80x30`,
  `${ip(2)}:80`,
  `${ip(3)}:80x10`,
  `${ip(4)}:80`,
  `${ip(99)}:80`,
  "1.2.3.4:80",
  `${plan.nodeIp}:30777x30`,
  "both.default.svc.cluster.local",
  "nope.default.svc.cluster.local",
  "example.com",
];
const seen: Record<string, unknown> = { addresses: [a.ip, b.ip, c.ip], nodePorts };
seen["from a pod"] = await calls(inC, list);
seen["from the node"] = await calls([], list);
await api.update(SLICES, slice("both", [b.ip]));
// The rules follow within moments; on a busy machine these are longer.
for (let tries = 0; tries < 50; tries++) {
  seen["after a change"] = await calls(inC, [`${ip(1)}:80x10`]);
  if (JSON.stringify(seen["after a change"]) === JSON.stringify([[`b ${c.ip}`]])) break;
}
await network.detach("b");
for (const child of started) child.kill("SIGKILL");
process.stdout.write(JSON.stringify(seen));
process.exit(0);
