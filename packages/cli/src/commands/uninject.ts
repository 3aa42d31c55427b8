import { uninjectManifest } from "@heddle/inject";
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { readManifest } from "../manifest-input.ts";
import { reportChanges } from "./inject.ts";

export function addUninject(program: Command, context: CliContext): void {
  program
    .command("uninject <file>")
    .description(
      "take the sidecar and the mesh's annotations out of a manifest: a file, a folder, an address, or - for standard input",
    )
    .action(async (file: string) => {
      reportChanges(context, (await readManifest(context, file)).map(uninjectManifest));
    });
}
