import type { Command } from "commander";
import { config, existence } from "../check/categories/control-plane.ts";
import { dataPlane } from "../check/categories/data-plane.ts";
import { identity, webhooks } from "../check/categories/identity.ts";
import { kubernetesApi, kubernetesVersion, preKubernetesSetup } from "../check/categories/kubernetes.ts";
import { links } from "../check/categories/links.ts";
import { controlPlaneVersion } from "../check/categories/versions.ts";
import { viz } from "../check/categories/viz.ts";
import type { CheckCategory, CheckTarget } from "../check/check.ts";
import { renderCategory, renderCheck, renderShort, renderSummary } from "../check/render.ts";
import { runChecks } from "../check/runner.ts";
import { type CliContext, UsageError } from "../context.ts";
import { type GlobalOptions, globalOptions } from "../global-options.ts";
import { findMeshNamespace } from "../mesh-namespace.ts";
import { compareContexts } from "../multicluster/compare-contexts.ts";

interface Flags {
  readonly pre?: boolean;
  readonly proxy?: boolean;
  readonly namespace?: string;
  readonly wait: string;
  readonly output: string;
}

async function categoriesFor(flags: Flags, target: CheckTarget): Promise<readonly CheckCategory[]> {
  const base = [kubernetesApi, kubernetesVersion];
  if (flags.pre) return [...base, preKubernetesSetup];
  return [
    ...base,
    existence,
    config,
    identity,
    webhooks,
    controlPlaneVersion,
    ...(flags.proxy ? [dataPlane] : []),
    ...((await extensionThere(target, "linkerd-multicluster")) ? [links] : []),
    ...((await extensionThere(target, "linkerd-viz")) ? [viz] : []),
  ];
}

async function extensionThere(target: CheckTarget, name: string): Promise<boolean> {
  const found = await target
    .client()
    .then((kube) => kube.find({ apiVersion: "v1", kind: "Namespace", name }))
    .catch(() => undefined);
  return found !== undefined;
}

function waitMs(text: string): number {
  const m = /^(\d+)(s|m)?$/.exec(text);
  if (!m) throw new UsageError(`--wait ${text}: expected a time such as 30s or 5m`);
  return Number(m[1]) * (m[2] === "m" ? 60_000 : 1000);
}

export function addCheck(program: Command, context: CliContext): void {
  program
    .command("check")
    .description("whether the cluster and the mesh are well; each line that isn't has a cause and a next step")
    .option("--pre", "before installing: may we, and can the cluster carry a mesh")
    .option("--proxy", "the sidecars too")
    .option("-n, --namespace <namespace>", "with --proxy: only this namespace")
    .option("--wait <time>", "how long to wait for what comes up by itself", "5m")
    .option("-o, --output <format>", "table, short or json", "table")
    .action((flags: Flags, command: Command) =>
      report(context, globalOptions(command), flags, (target) => categoriesFor(flags, target)),
    );
}

/** `viz check`: the extension alone. */
export function addVizCheck(program: Command, context: CliContext): void {
  program.commands
    .find((command) => command.name() === "viz")
    ?.command("check")
    .description("whether the metrics extension is well")
    .option("--proxy", "accepted for linkerd's sake: the proxies' metrics are always looked for")
    .option("-n, --namespace <namespace>", "accepted with --proxy")
    .option("--wait <time>", "how long to wait for what comes up by itself", "5m")
    .option("-o, --output <format>", "table, short or json", "table")
    .action((flags: Flags, command: Command) =>
      report(context, globalOptions(command), flags, async () => [kubernetesApi, viz]),
    );
}

/** `multicluster check`: what links clusters, alone. */
export function addMulticlusterCheck(group: Command, context: CliContext): void {
  group
    .command("check")
    .description("whether the linked clusters are well")
    .option("--proxy", "accepted for linkerd's sake")
    .option("-n, --namespace <namespace>", "accepted with --proxy")
    .option("--wait <time>", "how long to wait for what comes up by itself", "5m")
    .option("-o, --output <format>", "table, short or json", "table")
    .option(
      "--contexts <names>",
      "compare the clusters of these contexts of the kubeconfig instead: one mesh over several",
    )
    .action((flags: Flags & { readonly contexts?: string }, command: Command) =>
      flags.contexts !== undefined
        ? compareContexts(context, command, flags.contexts)
        : report(context, globalOptions(command), flags, async () => [links]),
    );
}

async function report(
  context: CliContext,
  global: GlobalOptions,
  flags: Flags,
  choose: (target: CheckTarget) => Promise<readonly CheckCategory[]>,
): Promise<void> {
  if (!["table", "short", "json"].includes(flags.output))
    throw new UsageError(`-o ${flags.output}: expected table, short or json`);
  let client: ReturnType<CliContext["kube"]> | undefined;
  const connect = () => {
    client ??= context.kube(global);
    return client;
  };
  // A cluster that can't be reached is a line of the report, not the end of it.
  const meshNamespace = () =>
    connect()
      .then((kube) => findMeshNamespace(kube, global))
      .catch(() => global.meshNamespace);
  const target: CheckTarget = {
    client: connect,
    meshNamespace: flags.pre ? global.meshNamespace : await meshNamespace(),
    dataPlaneNamespace: flags.namespace,
    cliVersion: context.version,
    now: () => new Date(),
  };
  const live = flags.output === "table";
  let first = true;
  const { success, categories } = await runChecks(await choose(target), target, {
    waitMs: waitMs(flags.wait),
    sleep: (ms) => Bun.sleep(ms),
    nowMs: () => performance.now(),
    onCategory: (name) => {
      if (live) context.out(renderCategory(name, first));
      first = false;
    },
    onCheck: (check) => {
      if (live) context.out(renderCheck(check));
    },
  });
  if (live) context.out(renderSummary(success));
  else if (flags.output === "short") context.out(renderShort(categories, success));
  else context.out(`${JSON.stringify({ success, categories }, null, 2)}\n`);
  if (!success) process.exitCode = 1;
}
