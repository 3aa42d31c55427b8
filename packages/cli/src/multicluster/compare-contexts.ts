import type { Command } from "commander";
import { renderCategory, renderCheck, renderSummary } from "../check/render.ts";
import { type CliContext, UsageError } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { findMeshNamespace } from "../mesh-namespace.ts";
import { clusterFacts } from "./cluster-facts.ts";
import { compareClusters } from "./compare-clusters.ts";

/**
 * `multicluster check --contexts a,b`: what is wrong between the clusters of one mesh; the exit code says whether anything is.
 * Errors: UsageError, `KubeError`.
 */
export async function compareContexts(context: CliContext, command: Command, list: string): Promise<void> {
  const contexts = [...new Set(list.split(",").filter((name) => name !== ""))];
  if (contexts.length < 2)
    throw new UsageError(`--contexts ${list}: expected two contexts or more, such as --contexts east,west`);
  const global = globalOptions(command);
  const facts = await Promise.all(
    contexts.map(async (name) => {
      const kube = await context.kube({ ...global, context: name });
      return clusterFacts(name, kube, await findMeshNamespace(kube, global), () => Date.now());
    }),
  );
  const lines = compareClusters(facts);
  context.out(renderCategory("clusters of one mesh", true));
  for (const { description, anchor, wrong } of lines) {
    const result = wrong.length === 0 ? "success" : "error";
    context.out(renderCheck({ description, hint: `docs/multicluster.md#${anchor}`, error: wrong.join("\n"), result }));
  }
  const success = lines.every(({ wrong }) => wrong.length === 0);
  context.out(renderSummary(success));
  if (!success) process.exitCode = 1;
}
