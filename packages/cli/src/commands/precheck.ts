import { analysedKinds, analysisInput, analyze, analyzers, atLeast, type Code, levelOf } from "@heddle/analysis";
import { defaultMeshConfig } from "@heddle/config";
import type { Command } from "commander";
import { type CliContext, UsageError } from "../context.ts";
import { checkOutput, FOUND_ISSUES, findingsOutput, levelFlag, USAGE } from "../findings-output.ts";
import { globalOptions } from "../global-options.ts";
import { clusterOptions, readCluster } from "../mesh-input/cluster-objects.ts";
import { findMeshNamespace } from "../mesh-namespace.ts";
import { lookIntoPods } from "../precheck/look-into-pods.ts";

/** What matters to an installation or an upgrade; `analyze` has the rest. */
const CODES: readonly Code[] = ["IST0136", "IST0139", "IST0142", "IST0143", "IST0156", "IST0169", "IST0172", "IST0176"];

interface Flags {
  readonly fromVersion?: string;
  readonly output: string;
  readonly outputThreshold: string;
}

export function addPrecheck(parent: Command, context: CliContext): void {
  parent
    .command("precheck")
    .description(
      "find what would stand in the way of an installation or upgrade, in the cluster and in its running pods",
    )
    .option(
      "-f, --from-version <version>",
      "release of Istio that is upgraded from, such as 1.21: what changed since is looked at",
    )
    .option("-o, --output <format>", "log, json or yaml", "log")
    .option("--output-threshold <level>", "Info, Warning or Error: what is below is not shown", "Warning")
    .action(async (flags: Flags, command: Command) => run(context, flags, command));
}

async function run(context: CliContext, flags: Flags, command: Command): Promise<void> {
  checkOutput(flags);
  const shown = levelFlag("--output-threshold", flags.outputThreshold);
  const fromMinor = flags.fromVersion === undefined ? undefined : minorOf(flags.fromVersion);
  const global = globalOptions(command);
  const kube = await context.kube(global);
  const [{ objects, forbidden }, options] = await Promise.all([
    readCluster(kube, analysedKinds),
    findMeshNamespace(kube, global).then((namespace) => clusterOptions(kube, namespace)),
  ]);
  const { listening, unread } = await lookIntoPods(kube, objects);
  for (const name of forbidden)
    context.err(`Warning: you may not list ${name}; what depends on them is not looked at\n`);
  for (const sentence of unread) context.err(`Warning: what listens in pod ${sentence}\n`);
  const input = analysisInput(objects, {
    mesh: defaultMeshConfig(),
    ...options,
    now: Date.now(),
    listening,
    ...(fromMinor === undefined ? {} : { fromMinor }),
  });
  const chosen = analyzers.filter(({ codes }) => codes.some((code) => CODES.includes(code)));
  const found = analyze(input, [], chosen).filter((one) => CODES.includes(one.code));
  const text = findingsOutput(
    found.filter((one) => atLeast(levelOf(one), shown)),
    flags,
    process.stdout.isTTY === true,
  );
  if (text !== "") context.out(text);
  if (found.some((one) => atLeast(levelOf(one), "Warning")))
    throw new UsageError(
      "Error: Issues found when checking the cluster. The mesh may not be safe to install or upgrade.\nSee https://istio.io/latest/docs/reference/config/analysis for more information about causes and resolutions.",
      FOUND_ISSUES,
    );
  context.err("✔ No issues found when checking the cluster. The mesh is safe to install or upgrade!\n");
}

/** Errors: `UsageError` for what is no release of Istio. */
function minorOf(version: string): number {
  const match = /^v?1\.(\d{1,3})(\.\d+)?$/.exec(version);
  if (match === null)
    throw new UsageError(`--from-version ${version}: expected a release of Istio such as 1.21`, USAGE);
  return Number(match[1]);
}
