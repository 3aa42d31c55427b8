import { formatProblem, type Parsed, parseInjectorValues, parseMeshConfig, parseMeshNetworks } from "@heddle/config";
import type { Command } from "commander";
import { type CliContext, UsageError } from "../context.ts";
import type { GlobalOptions } from "../global-options.ts";
import { parseSetFlags } from "../set-flag.ts";
import { gatewayOptions } from "./gateway-options.ts";
import { pluggedAuthority } from "./identity-files.ts";
import { injectorConfigMap, mergeValues, meshConfigMap } from "./mesh-config.ts";
import { defaultInstallOptions, type InstallOptions } from "./options.ts";
import { type RemoteProfile, remoteProfile } from "./remote-profile.ts";
import { readInput, valuesOfFiles } from "./values-file.ts";

export interface InstallFlags {
  readonly crds?: boolean;
  readonly skipCrds?: boolean;
  readonly ha?: boolean;
  readonly set: readonly string[];
  readonly setString: readonly string[];
  readonly setFile: readonly string[];
  readonly values: readonly string[];
  readonly filename?: readonly string[];
  readonly image?: string;
  readonly imagePullPolicy?: string;
  readonly clusterDomain?: string;
  readonly identityTrustDomain?: string;
  readonly identityTrustAnchorsFile?: string;
  readonly identityIssuerCertificateFile?: string;
  readonly identityIssuerKeyFile?: string;
  readonly controllerLogLevel?: string;
  readonly output: string;
}

type Values = Readonly<Record<string, unknown>>;

const collect = (value: string, all: readonly string[]) => [...all, value];

/** Values of the other tools that ask for what is so anyway. */
const NEEDLESS: Readonly<Record<string, string>> = {
  proxyInit: "the init container always runs as root with NET_ADMIN",
  disableHeartBeat: "nothing is ever sent anywhere",
  installNamespace: "the namespace is always printed",
  linkerdVersion: "the images are this program's version",
  clusterNetworks: "the networks are those of the cluster's Services and pods",
  policy: "AuthorizationPolicy needs no component of its own",
  telemetry: "metrics need no component of its own; see heddle viz install",
  security: "the control plane is the CA",
  trafficManagement: "the control plane serves the configuration",
  configManagement: "the control plane validates the configuration",
  autoInjection: "the control plane injects",
  revision: "there is one control plane",
  namespace: "use --istioNamespace",
  hub: "use --image",
  tag: "use --image",
};

const PROFILES: Readonly<Record<string, Values>> = {
  default: {},
  minimal: {},
  empty: {},
  stable: {},
  demo: { accessLogFile: "/dev/stdout" },
  remote: {},
};

/**
 * Flags → options: files first, then `--set`. `meshConfig.<field>`, `values.global.<field>`, `values.pilot.env.<NAME>` and `profile` are
 * taken, anything else is refused. Errors: UsageError naming flag, field and cause.
 */
export function installOptions(flags: InstallFlags, global: GlobalOptions, context: CliContext): InstallOptions {
  const flagged = parseSetFlags(
    flags.setFile.map((pair) => pair.replace(/=(.*)$/s, (_all, path: string) => `=${readInput(path, "--set-file")}`)),
    true,
    parseSetFlags(flags.setString, true, parseSetFlags(flags.set)),
  );
  const set = mergeValues(valuesOfFiles([...flags.values, ...(flags.filename ?? [])]), flagged);
  const { meshConfig = {}, values = {}, profile = "default", components, ...rest } = set;
  const { gateways: _gateways, addonComponents: _addons, coreDNS: _dns, ...others } = rest;
  for (const name of Object.keys(others)) {
    const reason = NEEDLESS[name];
    if (reason === undefined)
      throw new UsageError(
        `--set ${name}: unknown; known are meshConfig.<field>, values.global.<field>, values.pilot.env.<NAME> and profile`,
      );
    context.err(`‼ --set ${name} has no effect: ${reason}\n`);
  }
  refuseUnknownComponents(components);
  const base = defaultInstallOptions(context.version, global.meshNamespace);
  const { pilot = {}, istiodRemote, ...given } = record(values, "values");
  const remote = profile === "remote" ? remoteProfile(record(values, "values")) : undefined;
  if (remote === undefined && istiodRemote !== undefined)
    context.err("‼ --set values.istiodRemote has no effect: it is for --set profile=remote\n");
  const injector = remote === undefined ? given : mergeValues(given, namesOf(remote));
  const [image, version] = splitImage(flags.image ?? base.image, base.version);
  const high = flags.ha === true;
  const options: InstallOptions = {
    ...base,
    image,
    version,
    imagePullPolicy: pullPolicy(flags.imagePullPolicy ?? base.imagePullPolicy),
    trustDomain: flags.identityTrustDomain ?? base.trustDomain,
    logLevel: logLevel(flags.controllerLogLevel ?? base.logLevel),
    replicas: high ? 3 : 1,
    highAvailability: high,
    meshConfig: mergeValues(profileConfig(profile), record(meshConfig, "meshConfig")),
    injectorValues: injector,
    pilotEnv: pilotEnv(pilot),
    gateways: gatewayOptions(
      context.dialect === "istioctl" ? profileName(profile) : undefined,
      set,
      record(values, "values"),
    ),
    remote,
    gatewaysOnly: context.dialect !== "linkerd" && profile === "empty",
    meshDns: wantsMeshDns(set),
    authority: pluggedAuthority(flags),
    ...valuesGlobal(injector),
    clusterDomain: clusterDomain(flags.clusterDomain ?? base.clusterDomain, base.clusterDomain, injector),
  };
  const { mesh = "", meshNetworks = "" } = meshConfigMap(options).data;
  check(parseMeshConfig(mesh, "--set meshConfig"));
  check(parseMeshNetworks(meshNetworks, "--set values.global.meshNetworks"));
  check(parseInjectorValues(injectorConfigMap(options).data["values"] ?? "", "--set values"));
  return options;
}

function check(parsed: Parsed<unknown>): void {
  if (!parsed.ok) throw new UsageError(parsed.problems.map(formatProblem).join("\n"));
}

function profileConfig(profile: unknown): Values {
  const found = typeof profile === "string" ? PROFILES[profile] : undefined;
  if (found) return found;
  throw new UsageError(`--set profile=${String(profile)}: known are ${Object.keys(PROFILES).join(", ")}`);
}

/** `values.pilot.env`: environment of the control plane. */
function pilotEnv(pilot: unknown): Readonly<Record<string, string>> {
  const { env = {}, ...others } = record(pilot, "values.pilot");
  const first = Object.keys(others)[0];
  if (first !== undefined)
    throw new UsageError(`--set values.pilot.${first}: unknown; known is values.pilot.env.<NAME>`);
  return Object.fromEntries(Object.entries(record(env, "values.pilot.env")).map(([k, v]) => [k, String(v)]));
}

function logLevel(level: string): InstallOptions["logLevel"] {
  if (level === "debug" || level === "info" || level === "warning" || level === "error") return level;
  throw new UsageError(`--controller-log-level ${level}: expected debug, info, warning or error`);
}

function pullPolicy(pull: string): InstallOptions["imagePullPolicy"] {
  if (pull === "Always" || pull === "IfNotPresent" || pull === "Never") return pull;
  throw new UsageError(`--image-pull-policy ${pull}: expected Always, IfNotPresent or Never`);
}

function profileName(profile: unknown): string {
  return typeof profile === "string" ? profile : "";
}

/** Both forms of the field in operator files, and the Helm value. */
function wantsMeshDns(set: Values): boolean {
  const of = (parent: Values, name: string, path: string) => record(parent[name] ?? {}, path);
  const values = record(set["values"] ?? {}, "values");
  return [
    of(of(set, "addonComponents", "addonComponents"), "istiocoredns", "addonComponents.istiocoredns"),
    of(set, "coreDNS", "coreDNS"),
    of(values, "istiocoredns", "values.istiocoredns"),
  ].some(({ enabled }) => enabled === true);
}

/** Parts of Istio that are one program here, or that nothing has to be installed for. */
const COMPONENTS = ["base", "pilot", "cni", "ingressGateways", "egressGateways", "istiodRemote", "telemetry", "policy"];

function refuseUnknownComponents(components: unknown): void {
  for (const name of Object.keys(record(components ?? {}, "components")))
    if (!COMPONENTS.includes(name))
      throw new UsageError(`components.${name}: unknown; known are ${COMPONENTS.join(", ")}`);
}

function namesOf({ cluster, network }: RemoteProfile): Values {
  return { global: { multiCluster: { clusterName: cluster }, network } };
}

/** The values that every multicluster walkthrough sets. */
function valuesGlobal(values: Values): Partial<InstallOptions> {
  const g = record(values["global"] ?? {}, "values.global");
  const multi = record(g["multiCluster"] ?? {}, "values.global.multiCluster");
  const cluster = multi["clusterName"];
  return {
    ...(typeof g["meshID"] === "string" ? { meshId: g["meshID"] } : {}),
    ...(typeof g["network"] === "string" ? { network: g["network"] } : {}),
    ...(typeof cluster === "string" ? { clusterId: cluster } : {}),
    globalNames: multi["enabled"] === true,
    meshNetworks: record(g["meshNetworks"] ?? {}, "values.global.meshNetworks"),
  };
}

/** The flag, or `values.global.proxy.clusterDomain`, as istioctl's users give it. */
function clusterDomain(flag: string, usual: string, values: Values): string {
  const proxy = record(record(values["global"] ?? {}, "values.global")["proxy"] ?? {}, "values.global.proxy");
  const value = proxy["clusterDomain"];
  if (typeof value !== "string" || value === flag) return flag;
  if (flag === usual) return value;
  throw new UsageError(`--cluster-domain ${flag} and values.global.proxy.clusterDomain=${value} differ; give one`);
}

function record(value: unknown, path: string): Values {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new UsageError(`--set ${path}: expected a map below it`);
  return Object.fromEntries(Object.entries(value));
}

function splitImage(image: string, version: string): [string, string] {
  const colon = image.lastIndexOf(":");
  return colon > image.lastIndexOf("/") ? [image.slice(0, colon), image.slice(colon + 1)] : [image, version];
}

/** The flags that everything which renders manifests shares. */
export function addInstallFlags(command: Command): Command {
  return command
    .option("--ha", "high availability: three replicas, anti-affinity, disruption budget, injection fails closed")
    .option(
      "--set <path=value>",
      "meshConfig.<field>, values.global.<field>, values.pilot.env.<NAME>, profile",
      collect,
      [],
    )
    .option("--set-string <path=value>", "the same, value taken as text", collect, [])
    .option("--set-file <path=file>", "the same, value read from a file", collect, [])
    .option("-f, --values <file>", "values of a file: an IstioOperator, or meshConfig and values", collect, [])
    .option("--filename <file>", "the same, as istioctl calls it", collect, [])
    .option("--image <repository[:tag]>", "image of control plane and sidecar")
    .option("--image-pull-policy <policy>", "Always, IfNotPresent or Never")
    .option("--cluster-domain <domain>", "DNS domain of the cluster", "cluster.local")
    .option("--identity-trust-domain <domain>", "trust domain of workload identities", "cluster.local")
    .option("--identity-trust-anchors-file <pem>", "roots of your own CA (with the two flags below)")
    .option("--identity-issuer-certificate-file <pem>", "certificate of your own CA, intermediates behind it")
    .option("--identity-issuer-key-file <pem>", "key of your own CA")
    .option("--controller-log-level <level>", "debug, info, warning or error")
    .option("-o, --output <format>", "yaml or json", "yaml");
}

export function outputFormat(value: string): "yaml" | "json" {
  if (value !== "yaml" && value !== "json") throw new UsageError(`-o ${value}: expected yaml or json`);
  return value;
}
