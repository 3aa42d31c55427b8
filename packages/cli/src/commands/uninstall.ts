import type { Command } from "commander";
import { type CliContext, UsageError } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { type ApplyFlags, deleteInstall } from "../install/apply.ts";
import { uninstallManifests } from "../install/manifests.ts";
import { presentManifests } from "../install/present.ts";
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
    .description("print what `install` created and the cluster has, for `kubectl delete -f -`")
    .action(async (flags: InstallFlags, self: Command) => {
      const global = globalOptions(self);
      const all = uninstallManifests(installOptions(flags, global, context));
      const names = (await presentManifests(context, () => context.kube(global), all)).map(
        ({ apiVersion, kind, metadata }) => ({
          apiVersion,
          kind,
          metadata: { name: metadata.name, ...(metadata.namespace ? { namespace: metadata.namespace } : {}) },
        }),
      );
      if (names.length > 0) context.out(renderManifests(names, outputFormat(flags.output)));
    });
}
