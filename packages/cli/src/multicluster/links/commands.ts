import type { KubeClient } from "@heddle/kube-client";
import { at, textOf } from "@heddle/std";
import { type Command, InvalidArgumentError } from "commander";
import { type CliContext, UsageError } from "../../context.ts";
import { globalOptions } from "../../global-options.ts";
import { outputFormat } from "../../install/install-flags.ts";
import type { Manifest } from "../../install/manifest.ts";
import { findMeshNamespace } from "../../mesh-namespace.ts";
import { renderManifests } from "../../output.ts";
import { clusterDomain } from "../cluster-domain.ts";
import { accountToken, remoteServer } from "../remote-access.ts";
import { remoteKubeconfig } from "../remote-secret.ts";
import { extensionManifests } from "./extension.ts";
import { DEFAULT_ACCOUNT, EXTENSION_NAMESPACE, type ExtensionOptions, GATEWAY } from "./extension-options.ts";
import { gatewayStates, gatewaysTable, linksOf } from "./gateway-states.ts";
import { gatewayOf, linkObjects } from "./link-objects.ts";
import { remoteAccount } from "./remote-account.ts";

const collect = (value: string, all: readonly string[]) => [...all, value];
const words = (value: string, all: readonly string[]) => [...all, ...value.split(",").filter((one) => one !== "")];

function boolean(value: string): boolean {
  if (value === "true" || value === "false") return value === "true";
  throw new InvalidArgumentError("expected true or false");
}

function whole(least: number, most: number) {
  return (value: string): number => {
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}`);
  };
}

const port = whole(1, 65_535);

/** Linkerd's way of several clusters: Services are mirrored from one into the other. */
export function addLinkCommands(group: Command, context: CliContext): void {
  addExtension(group, context);
  addLink(group, context);
  group
    .command("allow")
    .description("print an account for one more cluster that mirrors Services of this one, for `kubectl apply -f -`")
    .requiredOption("--service-account-name <name>", "the account's name")
    .option("--namespace <namespace>", "the account's namespace", EXTENSION_NAMESPACE)
    .option("--ignore-cluster", "accepted for linkerd's sake: nothing is asked here")
    .action((flags: { readonly serviceAccountName: string; readonly namespace: string }) => {
      if (!/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(flags.serviceAccountName))
        throw new UsageError(`--service-account-name "${flags.serviceAccountName}" is no name of a ServiceAccount`);
      context.out(renderManifests(remoteAccount(flags.serviceAccountName, flags.namespace), "yaml"));
    });
  group
    .command("gateways")
    .description("gateways of the linked clusters: whether they answer, and how fast")
    .option("-o, --output <format>", "table or json", "table")
    .option("--cluster-name <name>", "only this cluster")
    .option("-t, --time-window <time>", "accepted for linkerd's sake: the state is that of now")
    .action(async (flags: { readonly output: string; readonly clusterName?: string }, command: Command) => {
      if (flags.output !== "table" && flags.output !== "json")
        throw new UsageError(`-o ${flags.output}: expected table or json`);
      const all = await gatewayStates(await context.kube(globalOptions(command)));
      const states = all.filter((one) => flags.clusterName === undefined || one.clusterName === flags.clusterName);
      context.out(flags.output === "json" ? `${JSON.stringify(states, null, 2)}\n` : gatewaysTable(states));
    });
}

interface ExtensionFlags {
  readonly namespace: string;
  readonly gateway: boolean;
  readonly gatewayPort: number;
  readonly gatewayProbePort: number;
  readonly gatewayProbeSeconds: number;
  readonly gatewayServiceType: string;
  readonly serviceMirrorCredentials: boolean;
  readonly set: readonly string[];
  readonly image: string;
  readonly imagePullPolicy: string;
  readonly identityTrustDomain: string;
  readonly ha?: boolean;
  readonly output: string;
  readonly force?: boolean;
}

const SERVICE_TYPES = ["LoadBalancer", "NodePort", "ClusterIP"] as const;

function extensionFlags(command: Command): Command {
  return command
    .option("--namespace <namespace>", "the extension's namespace", EXTENSION_NAMESPACE)
    .option("--gateway [bool]", "whether this cluster gets a gateway", boolean, true)
    .option("--gateway-port <port>", "port of the gateway", port, 4143)
    .option("--gateway-probe-port <port>", "port at which it is asked whether it is alive", port, 4191)
    .option("--gateway-probe-seconds <n>", "how often it is asked", whole(1, 3600), 3)
    .option("--gateway-service-type <type>", SERVICE_TYPES.join(", "), "LoadBalancer")
    .option("--service-mirror-credentials [bool]", "whether there is an account for other clusters", boolean, true)
    .option("--set <path=value>", "enableHeadlessServices=true: a mirror for each pod that has a name", collect, [])
    .option("--image <repository>", "image without tag", "heddle/heddle")
    .option("--image-pull-policy <policy>", "Always, IfNotPresent or Never", "IfNotPresent")
    .option("--identity-trust-domain <domain>", "trust domain of the mesh", "cluster.local")
    .option("--ha", "two replicas of everything")
    .option("--ignore-cluster", "accepted for linkerd's sake: printing never asks the cluster")
    .option("-o, --output <format>", "yaml or json", "yaml");
}

function extensionOptions(flags: ExtensionFlags, meshNamespace: string, version: string): ExtensionOptions {
  const gatewayServiceType = SERVICE_TYPES.find((type) => type === flags.gatewayServiceType);
  if (gatewayServiceType === undefined)
    throw new UsageError(`--gateway-service-type ${flags.gatewayServiceType}: expected ${SERVICE_TYPES.join(", ")}`);
  if (flags.gatewayPort === flags.gatewayProbePort)
    throw new UsageError(`--gateway-port and --gateway-probe-port are both ${flags.gatewayPort}; they must differ`);
  let headless = false;
  for (const one of flags.set) {
    const [path = "", value = ""] = one.split("=", 2);
    if (!path.endsWith("enableHeadlessServices") || (value !== "true" && value !== "false"))
      throw new UsageError(
        `--set ${one}: expected enableHeadlessServices=true or =false; the rest are flags of their own`,
      );
    headless = value === "true";
  }
  return {
    namespace: flags.namespace,
    image: flags.image,
    imagePullPolicy: flags.imagePullPolicy,
    version,
    meshNamespace,
    trustDomain: flags.identityTrustDomain,
    gateway: flags.gateway,
    gatewayPort: flags.gatewayPort,
    probePort: flags.gatewayProbePort,
    probeSeconds: flags.gatewayProbeSeconds,
    gatewayServiceType,
    remoteAccess: flags.serviceMirrorCredentials,
    headless,
    highAvailability: flags.ha === true,
  };
}

function addExtension(group: Command, context: CliContext): void {
  extensionFlags(group.command("install"))
    .description("print the extension that links clusters, for `kubectl apply -f -`: a gateway and the service mirror")
    .action((flags: ExtensionFlags, command: Command) => {
      const options = extensionOptions(flags, globalOptions(command).meshNamespace, context.version);
      context.out(renderManifests(extensionManifests(options), outputFormat(flags.output)));
    });
  extensionFlags(group.command("uninstall"))
    .description("print what `multicluster install` created, for `kubectl delete -f -`")
    .option("--force", "even while clusters are linked: their mirrors stay behind")
    .action(async (flags: ExtensionFlags, command: Command) => {
      const global = globalOptions(command);
      const links = flags.force ? [] : await linksOf(await context.kube(global));
      if (links.length > 0)
        throw new UsageError(
          `Please unlink the following clusters before uninstalling multicluster:\n${links.map((link) => `\t* ${textOf(at(link, "spec", "targetClusterName"))}`).join("\n")}`,
        );
      const options = extensionOptions({ ...flags, gateway: true }, global.meshNamespace, context.version);
      const names = extensionManifests(options).map(bare).reverse();
      context.out(renderManifests(names, outputFormat(flags.output)));
    });
}

function bare({ apiVersion, kind, metadata }: Manifest): Manifest {
  const { name, namespace } = metadata;
  return { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } };
}

interface LinkFlags {
  readonly clusterName: string;
  readonly namespace: string;
  readonly apiServerAddress?: string;
  readonly serviceAccountName: string;
  readonly gatewayAddresses?: string;
  readonly gatewayPort?: number;
  readonly gatewayName: string;
  readonly gatewayNamespace: string;
  readonly gateway: boolean;
  readonly clusterDomain?: string;
  readonly selector: string;
  readonly remoteDiscoverySelector: string;
  readonly federatedServiceSelector: string;
  readonly excludedAnnotations: readonly string[];
  readonly excludedLabels: readonly string[];
  readonly output: string;
}

const EXPORTED = "mirror.linkerd.io/exported";

function addLink(group: Command, context: CliContext): void {
  group
    .command("link")
    .alias("link-gen")
    .description("print what lets another cluster mirror Services of this one; apply it there")
    .requiredOption("--cluster-name <name>", "name of this cluster: mirrors are called svc-NAME")
    .option("--namespace <namespace>", "the extension's namespace", EXTENSION_NAMESPACE)
    .option("--api-server-address <url>", "how the other cluster reaches this one's API server")
    .option("--service-account-name <name>", "account that the other cluster looks with", DEFAULT_ACCOUNT)
    .option("--gateway-addresses <list>", "addresses of the gateway (default: of its Service)")
    .option("--gateway-port <port>", "port of the gateway (default: of its Service)", port)
    .option("--gateway-name <name>", "Service of the gateway", GATEWAY)
    .option("--gateway-namespace <namespace>", "its namespace", EXTENSION_NAMESPACE)
    .option("--gateway [bool]", "false: the clusters share a network, there is no gateway", boolean, true)
    .option("--cluster-domain <domain>", "DNS domain of this cluster (default: the control plane's)")
    .option("-l, --selector <labels>", "Services to mirror through the gateway", `${EXPORTED}=true`)
    .option("--remote-discovery-selector <labels>", "… on one network, pod by pod", `${EXPORTED}=remote-discovery`)
    .option("--federated-service-selector <labels>", "… as svc-federated", "mirror.linkerd.io/federated=member")
    .option("--excluded-annotations <list>", "annotations that mirrors don't get; KEY or PREFIX/*", words, [])
    .option("--excluded-labels <list>", "labels that mirrors don't get; KEY or PREFIX/*", words, [])
    .option("-o, --output <format>", "yaml or json", "yaml")
    .action(async (flags: LinkFlags, command: Command) => {
      const global = globalOptions(command);
      if (!flags.gateway && (flags.gatewayAddresses !== undefined || flags.gatewayPort !== undefined))
        throw new UsageError("--gateway-addresses and --gateway-port say nothing with --gateway=false");
      const kube = await context.kube(global);
      const meshNamespace = await findMeshNamespace(kube, global);
      const server = await remoteServer(kube, flags.apiServerAddress, "--api-server-address");
      const token = await accountToken(kube, flags.namespace, flags.serviceAccountName);
      const { ca, serverName, insecureSkipVerify } = kube.access;
      const config = remoteKubeconfig({
        cluster: flags.clusterName,
        user: flags.serviceAccountName,
        server,
        token,
        ca,
        serverName,
        insecureSkipVerify,
      });
      const objects = linkObjects({
        ...flags,
        meshNamespace,
        clusterDomain: flags.clusterDomain ?? (await domainOf(kube, meshNamespace)),
        kubeconfig: JSON.stringify(config),
        gateway: flags.gateway ? gatewayOf(await gatewayService(kube, flags), given(flags)) : undefined,
      });
      context.out(renderManifests(objects, outputFormat(flags.output)));
    });
  group
    .command("unlink")
    .description("print what `multicluster link` made for a cluster, for `kubectl delete -f -`; its mirrors go with it")
    .requiredOption("--cluster-name <name>", "the linked cluster")
    .option("--namespace <namespace>", "the extension's namespace", EXTENSION_NAMESPACE)
    .action(async (flags: { readonly clusterName: string; readonly namespace: string }, command: Command) => {
      const links = await linksOf(await context.kube(globalOptions(command)));
      const link = links.find(
        (one) =>
          textOf(at(one, "spec", "targetClusterName")) === flags.clusterName &&
          one.metadata.namespace === flags.namespace,
      );
      if (link === undefined)
        throw new UsageError(
          `no cluster ${flags.clusterName} is linked here; linked are: ${links.map((one) => textOf(at(one, "spec", "targetClusterName"))).join(", ") || "none"}`,
        );
      const { apiVersion, kind, metadata } = link;
      const name = textOf(at(link, "spec", "clusterCredentialsSecret"));
      const objects = [
        bare({ apiVersion, kind, metadata: { name: metadata.name, namespace: flags.namespace } }),
        bare({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace: flags.namespace } }),
      ];
      context.out(renderManifests(objects, "yaml"));
    });
}

function given(flags: LinkFlags) {
  return { addresses: flags.gatewayAddresses, port: flags.gatewayPort };
}

async function gatewayService(kube: KubeClient, flags: LinkFlags) {
  const { gatewayName: name, gatewayNamespace: namespace } = flags;
  const service = await kube.find({ group: "", version: "v1", resource: "services", name, namespace });
  if (service !== undefined) return service;
  throw new UsageError(
    `there is no gateway ${namespace}/${name} in this cluster; run multicluster install, or link with --gateway=false where the clusters share a network`,
  );
}

/** As the control plane was told. */
async function domainOf(kube: KubeClient, namespace: string): Promise<string> {
  const domain = await clusterDomain(kube, namespace);
  if (domain === undefined)
    throw new UsageError(`there is no control plane in namespace ${namespace} of this cluster; install the mesh first`);
  return domain;
}
