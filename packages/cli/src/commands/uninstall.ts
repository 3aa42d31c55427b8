import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { uninstallManifests } from "../install/manifests.ts";
import { renderManifests } from "../output.ts";
import { addInstallFlags, type InstallFlags, installOptions, outputFormat } from "./install.ts";

export function addUninstall(program: Command, context: CliContext): void {
  addInstallFlags(program.command("uninstall"))
    .description("print what `install` created, for `kubectl delete -f -`")
    .action((flags: InstallFlags, command: Command) => {
      const options = installOptions(flags, globalOptions(command), context);
      const names = uninstallManifests(options).map(({ apiVersion, kind, metadata }) => ({
        apiVersion,
        kind,
        metadata: { name: metadata.name, ...(metadata.namespace ? { namespace: metadata.namespace } : {}) },
      }));
      context.out(renderManifests(names, outputFormat(flags.output)));
    });
}
