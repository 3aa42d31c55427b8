import type { Command } from "commander";
import { type CliContext, UsageError } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { findMeshNamespace } from "../mesh-namespace.ts";
import { clusterTroubles, knownClusters } from "../multicluster/clusterz.ts";
import { renderTable } from "../output.ts";

const HEADER = ["NAME", "SECRET", "STATUS", "ISTIOD"] as const;

/** `remote-clusters`: the clusters that each replica of the control plane reads, as istioctl lists them. */
export function addRemoteClusters(program: Command, context: CliContext): void {
  if (context.dialect === "linkerd") return;
  program
    .command("remote-clusters")
    .description("which clusters the control plane reads, and how far")
    .option("-o, --output <format>", "table or json", "table")
    .action(async ({ output }: { readonly output: string }, command: Command) => {
      if (output !== "table" && output !== "json") throw new UsageError(`-o ${output}: expected table or json`);
      const global = globalOptions(command);
      const kube = await context.kube(global);
      const clusters = await knownClusters(kube, await findMeshNamespace(kube, global));
      if (output === "json") return context.out(`${JSON.stringify(clusters, null, 2)}\n`);
      context.out(
        renderTable(
          HEADER,
          clusters.map(({ id, secret, status, istiod }) => [id, secret, status, istiod]),
        ),
      );
      for (const sentence of clusterTroubles(clusters)) context.err(`${sentence}\n`);
    });
}
