import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createIntermediate, createSelfSignedRoot } from "@heddle/identity";
import { createKubeClient, type KubeClient, type KubeObject } from "@heddle/kube-client";
import { type RunningCluster, startCluster } from "@heddle/local-cluster";
import { at, listOf, textOf } from "@heddle/std";
import { parseAllDocuments } from "yaml";
import { type CliContext, UsageError } from "../../context.ts";
import { CROSS_NETWORK_PORT, defaultGateway, INGRESS } from "../../install/gateway-options.ts";
import { controlPlaneManifests, crdManifests } from "../../install/manifests.ts";
import { MESH_DNS } from "../../install/mesh-dns.ts";
import { defaultInstallOptions } from "../../install/options.ts";
import type { Timeline } from "../timeline.ts";
import { waitForPods, waitForPorts } from "../wait.ts";
import { curl } from "./curl.ts";

const READY_TIMEOUT_MS = 120_000;
const ANSWER_TIMEOUT_MS = 60_000;
const NAMESPACE = "istio-system";
const CLIENT = "foo";
const SERVER = "bar";
export const GLOBAL_HOST = `httpbin.${SERVER}.global`;
const PORT = 8000;

export interface MulticlusterOptions {
  /** Clusters are called `<prefix>1` and `<prefix>2`. */
  readonly prefix: string;
  readonly root: string;
  readonly signal: AbortSignal;
}

export interface Member {
  readonly cluster: RunningCluster;
  readonly kube: KubeClient;
}

/** Two clusters, one mesh, and a call from one to the other. */
export interface MulticlusterDemo {
  readonly client: Member;
  readonly server: Member;
  /** Address of the server cluster's gateway. */
  readonly gateway: string;
  /** `curl -I` as sleep saw it. */
  readonly answer: string;
  /** Who called, as httpbin saw it. */
  readonly caller: string;
  close(): Promise<void>;
}

/** Scenario S1 from empty to the answer. Errors: what failed, after everything that was started is gone again. */
export async function startMulticluster(
  context: CliContext,
  options: MulticlusterOptions,
  timeline: Timeline,
): Promise<MulticlusterDemo> {
  const clusters: RunningCluster[] = [];
  const close = async () => void (await Promise.all(clusters.map((cluster) => cluster.close())));
  try {
    const [client, server] = await timeline.phase("two clusters", () =>
      startMembers(context, options.prefix, clusters),
    );
    await timeline.phase("one root, two CAs, two meshes", (note) =>
      installBoth(context, [client, server], note, options.signal),
    );
    await timeline.phase("DNS: global → the mesh", () =>
      Promise.all([client, server].map(({ kube }) => forwardGlobal(kube))),
    );
    await timeline.phase("sleep and httpbin", (note) => applications(client, server, options, note));
    const gateway = await timeline.phase("ServiceEntry", () => nameServer(client.kube, server.kube));
    return await timeline.phase("the call", async () => {
      const { answer, caller } = await call(client.kube, options.signal);
      return { client, server, gateway, answer, caller, close };
    });
  } catch (error) {
    await close();
    throw error;
  }
}

async function startMembers(
  context: CliContext,
  prefix: string,
  clusters: RunningCluster[],
): Promise<readonly [Member, Member]> {
  const start = async (name: string): Promise<Member> => {
    const cluster = await startCluster({
      name,
      env: context.env,
      uid: process.getuid?.() ?? 0,
      // The second gateway's ports are taken on the host by the first's; between clusters that does not matter.
      onWarning: () => undefined,
    });
    clusters.push(cluster);
    const problem = cluster.lineProblem();
    if (problem !== undefined) throw new UsageError(`two clusters need a line between them: ${problem}`);
    return { cluster, kube: await createKubeClient({ kubeconfig: cluster.kubeconfig, env: context.env }) };
  };
  const client = await start(`${prefix}1`);
  return [client, await start(`${prefix}2`)];
}

async function installBoth(
  context: CliContext,
  members: readonly Member[],
  note: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const root = await createSelfSignedRoot("Demo Root CA", Date.now());
  await Promise.all(
    members.map(async ({ cluster, kube }) => {
      const made = await createIntermediate(root, `Demo CA ${cluster.name}`, Date.now());
      const install = {
        ...defaultInstallOptions(context.version, NAMESPACE),
        clusterId: cluster.name,
        gateways: [defaultGateway(INGRESS)],
        globalNames: true,
        meshDns: true,
        authority: {
          "ca-cert.pem": made.caCert,
          "ca-key.pem": made.caKey,
          "root-cert.pem": made.rootCert ?? "",
          "cert-chain.pem": made.certChain ?? "",
        },
      };
      await kube.applyObjects([...crdManifests(), ...controlPlaneManifests(install)] as readonly KubeObject[]);
      await waitForPods(kube, NAMESPACE, 3, READY_TIMEOUT_MS, (text) => note(`${cluster.name}: ${text}`), signal);
    }),
  );
}

/** The kube-dns form of S1.4; the CoreDNS form works too. */
async function forwardGlobal(kube: KubeClient): Promise<void> {
  const service = await kube.get({ apiVersion: "v1", kind: "Service", namespace: NAMESPACE, name: MESH_DNS });
  const stubDomains = JSON.stringify({ global: [textOf(at(service, "spec", "clusterIP"))] });
  await kube.applyObjects([
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "kube-dns", namespace: "kube-system" },
      data: { stubDomains },
    },
  ]);
}

async function applications(
  client: Member,
  server: Member,
  { root, signal }: MulticlusterOptions,
  note: (text: string) => void,
): Promise<void> {
  const put = async ({ kube, cluster }: Member, namespace: string, sample: string) => {
    const text = await readFile(join(root, "samples", sample, `${sample}.yaml`), "utf8");
    const labels = { "istio-injection": "enabled" };
    await kube.applyObjects([{ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } }]);
    const objects = parseAllDocuments(text).map((document): KubeObject => document.toJS());
    await kube.applyObjects(objects.map((object) => ({ ...object, metadata: { ...object.metadata, namespace } })));
    const pods = await waitForPods(kube, namespace, 1, READY_TIMEOUT_MS, (t) => note(`${cluster.name}: ${t}`), signal);
    await waitForPorts(kube, pods, READY_TIMEOUT_MS, signal);
  };
  await Promise.all([put(client, CLIENT, "sleep"), put(server, SERVER, "httpbin")]);
}

async function nameServer(client: KubeClient, server: KubeClient): Promise<string> {
  const service = await server.get({ apiVersion: "v1", kind: "Service", namespace: NAMESPACE, name: INGRESS });
  const gateway = textOf(at(listOf(at(service, "status", "loadBalancer", "ingress"))[0], "ip"));
  if (gateway === "")
    throw new UsageError(`Service ${NAMESPACE}/${INGRESS} has no external address; heddle local wan says why`);
  await client.applyObjects([
    {
      apiVersion: "networking.istio.io/v1beta1",
      kind: "ServiceEntry",
      metadata: { name: "httpbin-bar", namespace: CLIENT },
      spec: {
        hosts: [GLOBAL_HOST],
        location: "MESH_INTERNAL",
        ports: [{ name: "http1", number: PORT, protocol: "http" }],
        resolution: "DNS",
        endpoints: [{ address: gateway, ports: { http1: CROSS_NETWORK_PORT } }],
      },
    },
  ]);
  return gateway;
}

/** Configuration needs a moment to arrive; then the answer has to be the right one. */
async function call(kube: KubeClient, signal: AbortSignal): Promise<{ answer: string; caller: string }> {
  const { items } = await kube.list({ apiVersion: "v1", kind: "Pod", namespace: CLIENT });
  const pod = items[0]?.metadata.name ?? "";
  const url = `http://${GLOBAL_HOST}:${PORT}/headers`;
  const end = performance.now() + ANSWER_TIMEOUT_MS;
  for (;;) {
    signal.throwIfAborted();
    const head = await curl(kube, CLIENT, pod, ["-I", url]);
    if (head.code === 0 && / 200 /.test(head.out)) {
      const { out } = await curl(kube, CLIENT, pod, [url]);
      const caller = /URI=(spiffe:\/\/[^"\\;,]+)/.exec(out)?.[1] ?? "nobody: the call was not secured";
      return { answer: head.out.replaceAll("\r", "").trimEnd(), caller };
    }
    if (performance.now() > end)
      throw new UsageError(`no answer from ${GLOBAL_HOST}: ${head.out}${head.err}`.trimEnd());
    await Bun.sleep(250);
  }
}
