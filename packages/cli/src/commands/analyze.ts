import {
  type AnalysisOptions,
  analysedKinds,
  analysisInput,
  analyze,
  analyzers,
  atLeast,
  type Finding,
  finding,
  levelOf,
  readSuppression,
} from "@heddle/analysis";
import { defaultMeshConfig, refKey, refOf } from "@heddle/config";
import { isKubeError, type KubeClient } from "@heddle/kube-client";
import { parseGoDuration } from "@heddle/std";
import { type Command, Option } from "commander";
import { type CliContext, UsageError } from "../context.ts";
import { checkOutput, FOUND_ISSUES, findingsOutput, levelFlag, USAGE } from "../findings-output.ts";
import { type GlobalOptions, globalOptions } from "../global-options.ts";
import { clusterOptions, readCluster } from "../mesh-input/cluster-objects.ts";
import { readMeshConfigFile } from "../mesh-input/mesh-config-file.ts";
import { type ClusterClients, readOtherClusters, remoteClusterClients } from "../mesh-input/other-clusters.ts";
import { type FileObject, readFiles } from "../mesh-input/read-files.ts";
import { findMeshNamespace } from "../mesh-namespace.ts";

/** Exit code of istioctl. */
const UNREADABLE = 65;

interface Flags {
  readonly filename: readonly string[];
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly useKube: boolean | string;
  readonly recursive?: boolean;
  readonly output: string;
  readonly failureThreshold: string;
  readonly outputThreshold: string;
  readonly suppress: readonly string[];
  readonly listAnalyzers?: boolean;
  readonly revision?: string;
  readonly remoteContexts?: string;
  readonly timeout: string;
  readonly verbose?: boolean;
  readonly meshConfigFile?: string;
  readonly ignoreUnknown?: boolean;
  readonly color?: boolean | string;
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

export function addAnalyze(program: Command, context: CliContext): void {
  program
    .command("analyze [files...]")
    .description(
      "find what is wrong with the mesh's configuration: in files, in the cluster, or in files as they would be in the cluster",
    )
    .option("-f, --filename <file>", "file or folder, - for standard input; may be repeated", collect, [])
    .option("-n, --namespace <namespace>", "what is said of objects of this namespace")
    .option("-A, --all-namespaces", "of all namespaces")
    .addOption(new Option("-k, --use-kube [bool]", "look at the cluster, too").default(true).preset(true))
    .option("-R, --recursive", "folders in folders, too")
    .option("-o, --output <format>", "log, json or yaml", "log")
    .option(
      "--failure-threshold <level>",
      `Info, Warning or Error: at this level and above the exit code is ${FOUND_ISSUES}`,
      "Error",
    )
    .option("--output-threshold <level>", "Info, Warning or Error: what is below is not shown", "Info")
    .option(
      "-S, --suppress <code=object>",
      'for example "IST0102=Namespace x" or "IST0116=*"; may be repeated',
      collect,
      [],
    )
    .option("--list-analyzers", "print what is looked at (short: -L)")
    .option(
      "-r, --revision <revision>",
      "of the control plane whose settings hold (default: the one without a revision)",
    )
    .option(
      "--remote-contexts <contexts>",
      "kubeconfig contexts of the mesh's other clusters, separated by commas (default: those of the remote secrets)",
    )
    .option("--timeout <time>", "how long reading the cluster may take", "30s")
    .option("-v, --verbose", "say on standard error what is looked at")
    .option("--meshConfigFile <file>", "MeshConfig to use instead of the cluster's")
    .option("--ignore-unknown", "say nothing of documents that are no Kubernetes objects")
    .addOption(new Option("--color [bool]", "colours, by default on a terminal").preset(true))
    .action(async (files: readonly string[], flags: Flags, command: Command) => {
      if (flags.listAnalyzers === true) return context.out(listing());
      await run(context, [...files, ...flags.filename], flags, command);
    });
}

function listing(): string {
  const sorted = [...analyzers].sort((a, b) => (a.name < b.name ? -1 : 1));
  return sorted.map(({ name, about, codes }) => `* ${name}:\n${about} (${codes.join(", ")})\n`).join("");
}

async function run(context: CliContext, sources: readonly string[], flags: Flags, command: Command): Promise<void> {
  const shown = levelFlag("--output-threshold", flags.outputThreshold);
  const failing = levelFlag("--failure-threshold", flags.failureThreshold);
  checkOutput(flags);
  const suppressions = flags.suppress.map((text) => {
    const read = readSuppression(text);
    if (read !== undefined) return read;
    throw new UsageError(`--suppress ${text}: expected CODE=OBJECT, such as "IST0102=Namespace default"`, USAGE);
  });
  const useKube = !/^=?false$/.test(String(flags.useKube));
  if (!useKube && sources.length === 0)
    throw new UsageError("nothing to look at: give files, or leave out --use-kube=false", USAGE);
  const global = globalOptions(command);
  const kube = useKube ? await context.kube(global) : undefined;
  const namespace = flags.namespace ?? kube?.namespace ?? "default";
  const files = await readFiles(context, sources, { recursive: flags.recursive === true, namespace });
  const timeout = parseGoDuration(flags.timeout);
  if (!timeout.ok || timeout.value <= 0)
    throw new UsageError(`--timeout ${flags.timeout}: expected a time such as 30s or 2m`, USAGE);
  const live =
    kube === undefined
      ? undefined
      : await within(
          timeout.value,
          () => lookAt(context, kube, global, flags),
          `reading the cluster took longer than ${flags.timeout}; is ${kube.server} reachable? --timeout gives more time`,
        );
  const mesh = flags.meshConfigFile === undefined ? live?.options.mesh : await readMeshConfigFile(flags.meshConfigFile);
  const objects = [...(live?.objects ?? []), ...files.objects.map(({ object }) => object)];
  if (flags.verbose === true) context.err(describeInput(objects));
  const input = analysisInput(objects, {
    ...live?.options,
    mesh: mesh ?? defaultMeshConfig(),
    now: Date.now(),
  });
  const scope = flags.allNamespaces === true || kube === undefined ? undefined : namespace;
  const all = withReferences([...(live?.findings ?? []), ...analyze(input, suppressions)], files.objects);
  const found = all.filter((one) => isInScope(one, scope) && atLeast(levelOf(one), shown));
  const text = findingsOutput(found, flags, process.stdout.isTTY === true);
  if (text !== "") context.out(text);
  if (flags.ignoreUnknown !== true) for (const problem of files.problems) context.err(`Error: ${problem}\n`);

  const target = targetText(sources, kube === undefined, scope);
  if (all.some((one) => isInScope(one, scope) && atLeast(levelOf(one), failing)))
    throw new UsageError(
      `Error: Analyzers found issues when analyzing ${target}.\nSee https://istio.io/latest/docs/reference/config/analysis for more information about causes and resolutions.`,
      FOUND_ISSUES,
    );
  if (files.problems.length > 0 && flags.ignoreUnknown !== true)
    throw new UsageError(`Error: ${files.problems.length} of the documents could not be read`, UNREADABLE);
  if (found.length === 0) context.err(`✔ No validation issues found when analyzing ${target}.\n`);
}

interface Live {
  readonly objects: Awaited<ReturnType<typeof readCluster>>["objects"];
  readonly options: Partial<AnalysisOptions>;
  /** What could not be looked at. */
  readonly findings: readonly Finding[];
}

/** What the command is about to do, for --verbose. */
function describeInput(objects: readonly { readonly kind: string }[]): string {
  const counts = new Map<string, number>();
  for (const { kind } of objects) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const kinds = [...counts].sort().map(([kind, count]) => `${count} ${kind}`);
  const names = analyzers.map(({ name }) => name).sort();
  return `Objects: ${kinds.join(", ") || "none"}\nAnalyzers: ${names.join(", ")}\n`;
}

/** Errors: `UsageError` with `sentence` when `work` takes longer. */
async function within<T>(timeoutMs: number, work: () => Promise<T>, sentence: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new UsageError(`Error: ${sentence}`, UNREADABLE)), timeoutMs);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function lookAt(context: CliContext, kube: KubeClient, global: GlobalOptions, flags: Flags): Promise<Live> {
  const meshNamespace = await findMeshNamespace(kube, global);
  const named = (flags.remoteContexts ?? "").split(",").filter((name) => name !== "");
  const remote = async (ownId: string): Promise<ClusterClients> => {
    if (named.length > 0)
      return {
        clients: new Map(named.map((name) => [name, () => context.kube({ ...global, context: name })])),
        refused: [],
      };
    return remoteClusterClients(kube, meshNamespace, ownId).catch((error: unknown) => {
      if (isKubeError(error, 403)) return { clients: new Map(), refused: [] };
      throw error;
    });
  };
  const settings = clusterOptions(kube, meshNamespace, flags.revision);
  const [{ objects, forbidden }, options, others] = await Promise.all([
    readCluster(kube, analysedKinds),
    settings,
    settings.then(({ injector }) => remote(injector?.global.multiCluster.clusterName ?? "")).then(readOtherClusters),
  ]);
  for (const sentence of others.unread) context.err(`Warning: ${sentence}\n`);
  const cluster = { group: "", kind: "Cluster", namespace: "", name: kube.server };
  return {
    objects,
    options: { ...options, otherClusters: others.clusters },
    findings: forbidden.map((name) =>
      finding(
        "IST0141",
        cluster,
        "",
        `Required permissions are missing to list ${name}: what depends on them was not looked at. Ask for the verb list`,
      ),
    ),
  };
}

/** Findings about objects of files say where they stand. */
function withReferences(findings: readonly Finding[], files: readonly FileObject[]): readonly Finding[] {
  const byKey = new Map(files.map((file) => [refKey(refOf(file.object)), file]));
  return findings.map((one) => ({ ...one, reference: byKey.get(refKey(one.object))?.reference(one.path) ?? "" }));
}

function isInScope({ object, reference }: Finding, namespace: string | undefined): boolean {
  if (namespace === undefined || reference !== "") return true;
  if (object.kind === "Namespace") return object.name === namespace;
  return object.namespace === "" || object.namespace === namespace;
}

function targetText(sources: readonly string[], filesOnly: boolean, namespace: string | undefined): string {
  const cluster = namespace === undefined ? "all namespaces" : `namespace: ${namespace}`;
  if (sources.length === 0) return cluster;
  return filesOnly ? sources.join(", ") : `${cluster}, ${sources.join(", ")}`;
}
