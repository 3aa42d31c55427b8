import { mkdir, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import {
  asKubeObject,
  defaultMeshConfig,
  formatProblem,
  parseMeshConfig,
  parseResource,
  type WorkloadGroup,
} from "@heddle/config";
import type { KubeClient } from "@heddle/kube-client";
import { at, listOf, recordOf, textOf } from "@heddle/std";
import type { Command } from "commander";
import { type CliContext, UsageError } from "../context.ts";
import { type GlobalOptions, globalOptions } from "../global-options.ts";
import { readManifest } from "../manifest-input.ts";
import { findMeshNamespace } from "../mesh-namespace.ts";
import { renderManifests } from "../output.ts";
import { type EntryFilesInput, entryFiles } from "../workload/entry-files.ts";
import { firstCertificate } from "../workload/first-certificate.ts";

interface GroupFlags {
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: string;
  readonly annotations?: string;
  readonly ports?: string;
  readonly serviceAccount: string;
}

interface EntryFlags {
  readonly file?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly output?: string;
  readonly clusterID?: string;
  readonly autoregister?: boolean;
  readonly captureDns: boolean;
  readonly ingressIP?: string;
  readonly internalIP?: string;
  readonly externalIP?: string;
  readonly ingressService: string;
  readonly tokenDuration: string;
  readonly ca?: string;
  readonly trustDomain: string;
}

/** `workload group create` and `workload entry configure`, for workloads outside of the cluster. */
export function addWorkload(parent: Command, context: CliContext): void {
  const workload = parent.command("workload").description("workloads outside of the cluster");
  const group = workload.command("group").description("what such workloads have in common");
  group
    .command("create")
    .description("print a WorkloadGroup")
    .option("--name <name>", "name of the group")
    .option("-n, --namespace <namespace>", "its namespace")
    .option("-l, --labels <list>", "labels of its workloads: app=vm,version=v1")
    .option("-a, --annotations <list>", "annotations of its workloads")
    .option("-p, --ports <list>", "ports of its workloads: http=8080,grpc=9000")
    .option("-s, --serviceAccount <name>", "identity of its workloads", "default")
    .action((flags: GroupFlags) => context.out(renderManifests([groupManifest(flags)], "yaml").replace(/^---\n/, "")));
  const entry = workload.command("entry").description("one such workload");
  entry
    .command("configure")
    .description(
      "write the files that a host needs: cluster.env, mesh.yaml, hosts, root-cert.pem, and istio-token or a certificate",
    )
    .option("-f, --file <file>", "manifest of the WorkloadGroup")
    .option("--name <name>", "or the name of one in the cluster")
    .option("-n, --namespace <namespace>", "and its namespace")
    .option("-o, --output <dir>", "folder to write to")
    .option("--clusterID <id>", "name of the cluster (default: the control plane's)")
    .option("--autoregister", "the workload gets a WorkloadEntry when it connects")
    .option("--no-capture-dns", "leave the host's DNS alone")
    .option("--capture-dns", "names of the mesh are found on the host", true)
    .option("--ingressIP <ip>", "address at which the host reaches the control plane")
    .option("--ingressService <name>", "or the Service that has it", "istio-eastwestgateway")
    .option("--internalIP <ip>", "address of the workload inside of its network")
    .option("--externalIP <ip>", "address of the workload for others")
    .option("--tokenDuration <seconds>", "life of the token, or of the first certificate", "3600")
    .option("--ca <folder>", "no cluster is asked: sign a first certificate with this CA (heddle ca intermediate)")
    .option("--trustDomain <name>", "with --ca: the mesh's trust domain", "cluster.local")
    .action(async (flags: EntryFlags, command: Command) => {
      if (!flags.output) throw new UsageError("--output is missing: the folder to write the files to");
      for (const name of ["ingressIP", "internalIP", "externalIP"] as const)
        if (isIP(flags[name] ?? "0.0.0.0") === 0)
          throw new UsageError(`--${name} ${flags[name]}: expected an IP address`);
      const input =
        flags.ca === undefined
          ? await fromCluster(context, flags, globalOptions(command))
          : await fromAuthority(context, flags, flags.ca);
      await writeFiles(context, flags.output, input);
    });
}

/** `a=b,c=d`. Errors: UsageError naming the flag. */
function pairs(flag: string, text: string | undefined): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const part of (text ?? "").split(",").filter((one) => one.trim() !== "")) {
    const equals = part.indexOf("=");
    if (equals < 1) throw new UsageError(`--${flag}: "${part}" is not of the form name=value`);
    found[part.slice(0, equals).trim()] = part.slice(equals + 1).trim();
  }
  return found;
}

function groupManifest(flags: GroupFlags): Readonly<Record<string, unknown>> {
  if (!flags.name) throw new UsageError("--name is missing: how is the group called?");
  if (!flags.namespace) throw new UsageError("--namespace is missing: whose identity do the workloads have?");
  const ports = Object.entries(pairs("ports", flags.ports)).map(([name, text]) => {
    const port = Number(text);
    if (Number.isInteger(port) && port > 0 && port < 65_536) return [name, port] as const;
    throw new UsageError(`--ports: "${name}=${text}" has no port from 1 to 65535`);
  });
  const manifest = {
    apiVersion: "networking.istio.io/v1",
    kind: "WorkloadGroup",
    metadata: { name: flags.name, namespace: flags.namespace },
    spec: {
      metadata: { annotations: pairs("annotations", flags.annotations), labels: pairs("labels", flags.labels) },
      template: {
        ...(ports.length > 0 ? { ports: Object.fromEntries(ports) } : {}),
        serviceAccount: flags.serviceAccount,
      },
    },
  };
  readGroup(manifest);
  return manifest;
}

function readGroup(raw: unknown): WorkloadGroup {
  const object = asKubeObject(raw);
  const parsed = object?.kind === "WorkloadGroup" ? parseResource(object) : undefined;
  if (parsed === undefined) throw new UsageError("the manifest is not of kind WorkloadGroup");
  if (!parsed.ok) throw new UsageError(parsed.problems.map(formatProblem).join("\n"));
  if (parsed.value.kind !== "WorkloadGroup") throw new UsageError("the manifest is not of kind WorkloadGroup");
  return parsed.value;
}

async function groupOfFile(context: CliContext, file: string, flags: EntryFlags): Promise<WorkloadGroup> {
  const [raw, ...more] = await readManifest(context, file);
  if (more.length > 0) throw new UsageError(`${file} holds ${more.length + 1} objects; give one WorkloadGroup`);
  const group = readGroup(raw);
  if (group.ref.namespace !== "") return group;
  const namespace = flags.namespace ?? "default";
  return { ...group, ref: { ...group.ref, namespace } };
}

async function findGroup(context: CliContext, kube: KubeClient, flags: EntryFlags): Promise<WorkloadGroup> {
  if (flags.file !== undefined) return groupOfFile(context, flags.file, flags);
  if (!flags.name || !flags.namespace)
    throw new UsageError("say which WorkloadGroup: -f FILE, or --name NAME --namespace NAMESPACE");
  const type = { group: "networking.istio.io", version: "v1", resource: "workloadgroups" };
  const found = await kube.find({ ...type, name: flags.name, namespace: flags.namespace });
  if (found === undefined)
    throw new UsageError(
      `there is no WorkloadGroup ${flags.namespace}/${flags.name}; make one with heddle experimental workload group create`,
    );
  return readGroup(found);
}

/** A member of the mesh that is not Kubernetes: its control plane reads files, and the CA's own files make the first certificate. */
async function fromAuthority(context: CliContext, flags: EntryFlags, ca: string): Promise<EntryFilesInput> {
  const { file, clusterID, ingressIP, trustDomain } = flags;
  const seconds = lifeSeconds(flags, 60, "a host takes some seconds to start");
  if (file === undefined)
    throw new UsageError("--ca needs -f FILE with the WorkloadGroup: there is no cluster to ask for it");
  if (clusterID === undefined)
    throw new UsageError("--ca needs --clusterID: the name that the hosts' control plane has (discovery --clusterID)");
  if (ingressIP === undefined) throw new UsageError("--ca needs --ingressIP: where the hosts' control plane listens");
  if (flags.autoregister === true)
    throw new UsageError(
      "--autoregister needs an API server to write to; write the WorkloadEntry into the folder of files",
    );
  const group = await groupOfFile(context, file, flags);
  const serviceAccount = group.spec.template.serviceAccount ?? "default";
  const { namespace } = group.ref;
  const order = { ca, trustDomain, namespace, serviceAccount, lifeSeconds: seconds };
  const first = await firstCertificate(order, Date.now());
  return {
    group,
    clusterId: clusterID,
    meshId: trustDomain,
    trustDomain,
    discoveryAddress: defaultMeshConfig().defaultConfig.discoveryAddress,
    proxyMetadata: {},
    dnsCapture: flags.captureDns,
    autoRegister: false,
    controlPlaneIp: ingressIP,
    ownIp: flags.internalIP ?? flags.externalIP,
    rootCertificate: first.root,
    proof: first.files,
  };
}

function lifeSeconds({ tokenDuration }: EntryFlags, least: number, why: string): number {
  const seconds = Number(tokenDuration);
  if (Number.isInteger(seconds) && seconds >= least) return seconds;
  throw new UsageError(`--tokenDuration ${tokenDuration}: expected ${least} seconds at least; ${why}`);
}

async function writeFiles(context: CliContext, output: string, input: EntryFilesInput): Promise<void> {
  await mkdir(output, { recursive: true });
  const secret = new Set(["istio-token", "key.pem"]);
  for (const [name, text] of Object.entries(entryFiles(input)))
    await writeFile(join(output, name), text, { mode: secret.has(name) ? 0o600 : 0o644 });
  const { ref } = input.group;
  context.err(
    `configuration of WorkloadGroup ${ref.namespace}/${ref.name} is in ${output}; on the host: append hosts to /etc/hosts, then heddle proxy vm --dir FOLDER\n`,
  );
}

/** What the cluster's control plane says, and a token of its API server. */
async function fromCluster(context: CliContext, flags: EntryFlags, global: GlobalOptions): Promise<EntryFilesInput> {
  const seconds = lifeSeconds(flags, 600, "Kubernetes gives no shorter ones");
  const kube = await context.kube(global);
  const mesh = await findMeshNamespace(kube, global);
  const group = await findGroup(context, kube, flags);
  const { namespace } = group.ref;
  const config = (name: string, from: string) =>
    kube.find({ apiVersion: "v1", kind: "ConfigMap", name, namespace: from });
  const meshConfig = parseMeshConfig(textOf(at(await config("istio", mesh), "data", "mesh")));
  if (!meshConfig.ok) throw new UsageError(meshConfig.problems.map(formatProblem).join("\n"));
  const root = textOf(at(await config("istio-ca-root-cert", namespace), "data", "root-cert.pem"));
  if (root === "")
    throw new UsageError(
      `namespace ${namespace} has no ConfigMap istio-ca-root-cert: is the mesh installed, and does the namespace exist?`,
    );
  const { defaultConfig, trustDomain } = meshConfig.value;
  const { ISTIO_META_MESH_ID: meshId = trustDomain, ...proxyMetadata } = defaultConfig.proxyMetadata;
  return {
    group,
    clusterId: flags.clusterID ?? (await controlPlaneCluster(kube, mesh)),
    meshId: defaultConfig.meshId ?? meshId,
    trustDomain,
    discoveryAddress: defaultConfig.discoveryAddress,
    proxyMetadata,
    dnsCapture: flags.captureDns,
    autoRegister: flags.autoregister === true,
    controlPlaneIp: flags.ingressIP ?? (await ingressAddress(context, kube, mesh, flags.ingressService)),
    ownIp: flags.internalIP ?? flags.externalIP,
    rootCertificate: root,
    proof: {
      "istio-token": await token(kube, namespace, group.spec.template.serviceAccount ?? "default", seconds),
    },
  };
}

async function controlPlaneCluster(kube: KubeClient, mesh: string): Promise<string> {
  const name = { group: "apps", version: "v1", resource: "deployments", name: "istiod", namespace: mesh };
  const [container] = listOf(at(await kube.find(name), "spec", "template", "spec", "containers"));
  const variable = listOf(at(container, "env")).find((one) => recordOf(one)["name"] === "CLUSTER_ID");
  return textOf(at(variable, "value")) || "Kubernetes";
}

/** Where a host outside reaches the control plane: a gateway's address, else the control plane's own Service. */
async function ingressAddress(context: CliContext, kube: KubeClient, mesh: string, gateway: string): Promise<string> {
  const service = (name: string) => kube.find({ apiVersion: "v1", kind: "Service", name, namespace: mesh });
  const [ingress] = listOf(at(await service(gateway), "status", "loadBalancer", "ingress"));
  const address = textOf(at(ingress, "ip"));
  if (address !== "") return address;
  const own = textOf(at(await service("istiod"), "spec", "clusterIP"));
  if (own === "") throw new UsageError(`no address of the control plane is known; give it with --ingressIP`);
  context.err(
    `Service ${mesh}/${gateway} has no address: hosts names istiod's cluster IP ${own}, which the host has to reach; else use --ingressIP\n`,
  );
  return own;
}

async function token(kube: KubeClient, namespace: string, account: string, seconds: number): Promise<string> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${encodeURIComponent(account)}/token`;
  const body = {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: { audiences: ["istio-ca"], expirationSeconds: seconds },
  };
  const answer: unknown = await (await kube.request("POST", path, { body })).json();
  return textOf(at(answer, "status", "token"));
}
