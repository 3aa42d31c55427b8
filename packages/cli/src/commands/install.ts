import type { Command } from "commander";
import { type CliContext, UsageError } from "../context.ts";
import { type GlobalOptions, globalOptions } from "../global-options.ts";
import { controlPlaneManifests, crdManifests } from "../install/manifests.ts";
import { mergeValues } from "../install/mesh-config.ts";
import { defaultInstallOptions, type InstallOptions } from "../install/options.ts";
import { renderManifests } from "../output.ts";
import { parseSetFlags } from "../set-flag.ts";

export interface InstallFlags {
  readonly crds?: boolean;
  readonly skipCrds?: boolean;
  readonly ha?: boolean;
  readonly set: readonly string[];
  readonly setString: readonly string[];
  readonly image?: string;
  readonly imagePullPolicy?: string;
  readonly clusterDomain?: string;
  readonly identityTrustDomain?: string;
  readonly controllerLogLevel?: string;
  readonly output: string;
}

const collect = (value: string, all: readonly string[]) => [...all, value];

/** Flags → options; `--set meshConfig.x` and `--set values.global.x` reach MeshConfig and the injector's values, anything else is refused. */
export function installOptions(flags: InstallFlags, global: GlobalOptions, context: CliContext): InstallOptions {
  const set = mergeValues(parseSetFlags(flags.set), parseSetFlags(flags.setString, true));
  const { meshConfig = {}, values = {}, ...unknown } = set;
  const first = Object.keys(unknown)[0];
  if (first) throw new UsageError(`--set ${first}: unknown; known are meshConfig.<field> and values.global.<field>`);
  const base = defaultInstallOptions(context.version, global.meshNamespace);
  const level = flags.controllerLogLevel ?? base.logLevel;
  if (level !== "debug" && level !== "info" && level !== "warning" && level !== "error") {
    throw new UsageError(`--controller-log-level ${level}: expected debug, info, warning or error`);
  }
  const pull = flags.imagePullPolicy ?? base.imagePullPolicy;
  if (pull !== "Always" && pull !== "IfNotPresent" && pull !== "Never") {
    throw new UsageError(`--image-pull-policy ${pull}: expected Always, IfNotPresent or Never`);
  }
  const [image, version] = splitImage(flags.image ?? base.image, base.version);
  const high = flags.ha === true;
  const fromValues = valuesGlobal(values);
  return {
    ...base,
    image,
    version,
    imagePullPolicy: pull,
    clusterDomain: flags.clusterDomain ?? base.clusterDomain,
    trustDomain: flags.identityTrustDomain ?? base.trustDomain,
    logLevel: level,
    replicas: high ? 3 : 1,
    highAvailability: high,
    meshConfig: record(meshConfig, "meshConfig"),
    injectorValues: record(values, "values"),
    ...fromValues,
  };
}

/** The three values that every multicluster walkthrough sets. */
function valuesGlobal(values: unknown): Partial<InstallOptions> {
  const g = record(record(values, "values")["global"] ?? {}, "values.global");
  const cluster = record(g["multiCluster"] ?? {}, "values.global.multiCluster")["clusterName"];
  return {
    ...(typeof g["meshID"] === "string" ? { meshId: g["meshID"] } : {}),
    ...(typeof g["network"] === "string" ? { network: g["network"] } : {}),
    ...(typeof cluster === "string" ? { clusterId: cluster } : {}),
  };
}

function record(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new UsageError(`--set ${path}: expected a map below it`);
  return Object.fromEntries(Object.entries(value));
}

function splitImage(image: string, version: string): [string, string] {
  const colon = image.lastIndexOf(":");
  return colon > image.lastIndexOf("/") ? [image.slice(0, colon), image.slice(colon + 1)] : [image, version];
}

/** The flags that `install` and `uninstall` share. */
export function addInstallFlags(command: Command): Command {
  return command
    .option("--ha", "high availability: three replicas, anti-affinity, disruption budget, injection fails closed")
    .option("--set <path=value>", "meshConfig.<field> or values.global.<field>", collect, [])
    .option("--set-string <path=value>", "the same, value taken as text", collect, [])
    .option("--image <repository[:tag]>", "image of control plane and sidecar")
    .option("--image-pull-policy <policy>", "Always, IfNotPresent or Never")
    .option("--cluster-domain <domain>", "DNS domain of the cluster", "cluster.local")
    .option("--identity-trust-domain <domain>", "trust domain of workload identities", "cluster.local")
    .option("--controller-log-level <level>", "debug, info, warning or error")
    .option("-o, --output <format>", "yaml or json", "yaml");
}

export function outputFormat(value: string): "yaml" | "json" {
  if (value !== "yaml" && value !== "json") throw new UsageError(`-o ${value}: expected yaml or json`);
  return value;
}

export function addInstall(program: Command, context: CliContext): void {
  addInstallFlags(program.command("install"))
    .description("print the manifests of the mesh, for `kubectl apply -f -`")
    .option("--crds", "print only the custom resource definitions")
    .option("--skip-crds", "leave the custom resource definitions out")
    .option("--ignore-cluster", "accepted for linkerd's sake: printing never asks the cluster")
    .action((flags: InstallFlags, command: Command) => {
      const options = installOptions(flags, globalOptions(command), context);
      const objects = flags.crds
        ? crdManifests()
        : [...(flags.skipCrds ? [] : crdManifests()), ...controlPlaneManifests(options)];
      context.out(renderManifests(objects, outputFormat(flags.output)));
    });
}
