import type { Command } from "commander";
import { type CliContext, UsageError } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { type ApplyFlags, deleteInstall } from "../install/apply.ts";
import { uninstallManifests } from "../install/manifests.ts";
import { findMeshNamespace } from "../mesh-namespace.ts";
import { renderManifests } from "../output.ts";
import { addApplyFlags, addInstallFlags, type InstallFlags, installOptions, outputFormat } from "./install.ts";

/** `heddle uninstall` and `linkerd uninstall` print; `istioctl uninstall --purge` deletes. */
export function addUninstall(program: Command, context: CliContext): void {
  const command = addInstallFlags(program.command("uninstall"));
  if (context.dialect === "istioctl") {
    addApplyFlags(command)
      .description("delete the mesh from the cluster")
      .option("--purge", "delete all of it")
      .action(async (flags: InstallFlags & ApplyFlags & { readonly purge?: boolean }, self: Command) => {
        if (!flags.purge && flags.values.length === 0)
          throw new UsageError("at least one of the --filename or --purge flags must be set");
        const global = globalOptions(self);
        const kube = await context.kube(global);
        const meshNamespace = await findMeshNamespace(kube, global);
        await deleteInstall(context, kube, installOptions(flags, { ...global, meshNamespace }, context), flags);
      });
    return;
  }
  command
    .description("print what `install` created, for `kubectl delete -f -`")
    .action((flags: InstallFlags, self: Command) => {
      const options = installOptions(flags, globalOptions(self), context);
      const names = uninstallManifests(options).map(({ apiVersion, kind, metadata }) => ({
        apiVersion,
        kind,
        metadata: { name: metadata.name, ...(metadata.namespace ? { namespace: metadata.namespace } : {}) },
      }));
      context.out(renderManifests(names, outputFormat(flags.output)));
    });
}
