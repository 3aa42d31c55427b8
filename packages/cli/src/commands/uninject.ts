import { uninjectManifest } from "@heddle/inject";
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { readManifest, reportChanges } from "./inject.ts";

export function addUninject(program: Command, context: CliContext): void {
  program
    .command("uninject <file>")
    .description("take the sidecar and the mesh's annotations out of a manifest (- is standard input)")
    .action(async (file: string) => {
      reportChanges(context, (await readManifest(context, file)).map(uninjectManifest));
    });
}
