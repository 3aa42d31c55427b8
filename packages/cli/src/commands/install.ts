import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { type ApplyFlags, applyInstall } from "../install/apply.ts";
import { addInstallFlags, type InstallFlags, installOptions, outputFormat } from "../install/install-flags.ts";
import { controlPlaneManifests, crdManifests } from "../install/manifests.ts";
import { remoteNextSteps } from "../install/remote-profile.ts";
import { renderManifests } from "../output.ts";

export { addInstallFlags, type InstallFlags, installOptions, outputFormat };

/** `heddle install` and `linkerd install` print; `istioctl install` applies. `manifest generate` prints and `manifest apply` applies for both. */
export function addInstall(program: Command, context: CliContext): void {
  if (context.dialect === "istioctl") {
    addApplying(program.command("install"), context);
  } else addPrinting(program.command("install"), context);
  if (context.dialect === "linkerd") return;
  const manifest = program.command("manifest").description("manifests of the mesh");
  addPrinting(manifest.command("generate"), context);
  addApplying(manifest.command("apply").alias("install"), context, true);
}

function addPrinting(command: Command, context: CliContext): void {
  addInstallFlags(command)
    .description("print the manifests of the mesh, for `kubectl apply -f -`")
    .option("--crds", "print only the custom resource definitions")
    .option("--skip-crds", "leave the custom resource definitions out")
    .option("--ignore-cluster", "accepted for linkerd's sake: printing never asks the cluster")
    .option("--disable-heartbeat", "accepted for linkerd's sake: there is none")
    .action((flags: InstallFlags, self: Command) => {
      const options = installOptions(flags, globalOptions(self), context);
      const objects = flags.crds
        ? crdManifests()
        : [...(flags.skipCrds ? [] : crdManifests()), ...controlPlaneManifests(options)];
      if (options.remote !== undefined) context.err(remoteNextSteps(options.namespace, options.remote));
      context.out(renderManifests(objects, outputFormat(flags.output)));
    });
}

/** Flags of commands that change the cluster. */
export function addApplyFlags(command: Command): Command {
  return command
    .option("-y, --skip-confirmation", "do not ask")
    .option("--dry-run", "only say what would be done")
    .option("--readiness-timeout <time>", "how long to wait for the control plane", "5m0s");
}

/** `manifest apply` asked only where neither file nor flag said what is wanted, so scripts of its time have no answer for it. */
function addApplying(command: Command, context: CliContext, quiet = false): void {
  addApplyFlags(addInstallFlags(command))
    .description("install the mesh into the cluster, or change the installed one; `manifest generate` only prints")
    .action(async (flags: InstallFlags & ApplyFlags, self: Command) => {
      const global = globalOptions(self);
      const options = installOptions(flags, global, context);
      const said = flags.values.length + (flags.filename?.length ?? 0) + flags.set.length > 0;
      const skipConfirmation = flags.skipConfirmation === true || (quiet && said);
      await applyInstall(context, await context.kube(global), options, { ...flags, skipConfirmation });
    });
}
