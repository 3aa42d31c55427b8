import { analysisInput, analyze, analyzers, findingText, levelOf } from "@heddle/analysis";
import {
  defaultMeshConfig,
  type EnvoyFilter,
  formatProblem,
  isMeshResource,
  type Problem,
  parseResource,
  refKey,
  refOf,
} from "@heddle/config";
import type { Command } from "commander";
import { type CliContext, UsageError } from "../context.ts";
import { type FileObject, readFiles } from "../mesh-input/read-files.ts";

interface Flags {
  readonly filename: readonly string[];
  readonly namespace: string;
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** Needs no cluster: says of each file what the webhook would say. */
export function addValidate(program: Command, context: CliContext): void {
  program
    .command("validate [files...]")
    .alias("v")
    .description("check files as the webhook does at kubectl apply, without a cluster")
    .option("-f, --filename <file>", "file or folder, - for standard input; may be repeated", collect, [])
    .option("-n, --namespace <namespace>", "namespace of objects that name none", "default")
    .action(async (files: readonly string[], flags: Flags) => {
      const sources = [...files, ...flags.filename];
      if (sources.length === 0)
        throw new UsageError("which files? Give them, or -f FILE, or -f - for standard input", 64);
      const read = await readFiles(context, sources, { recursive: true, namespace: flags.namespace });
      const errors = [...read.problems, ...(await refusals(context, read.objects))];
      if (errors.length > 0)
        throw new UsageError(
          `Error: ${errors.length} ${errors.length === 1 ? "error" : "errors"} occurred:\n${errors.map((text) => `\t* ${text}\n`).join("")}`,
        );
      for (const source of sources) context.out(`${JSON.stringify(source)} is valid\n`);
    });
}

async function refusals(context: CliContext, objects: readonly FileObject[]): Promise<readonly string[]> {
  const byKey = new Map(objects.map((file) => [refKey(refOf(file.object)), file]));
  const schema = analyzers.filter(({ name }) => name === "schema.Validation");
  const input = analysisInput(
    objects.map(({ object }) => object),
    { mesh: defaultMeshConfig() },
  );
  const findings = analyze(input, [], schema).map((one) => ({
    ...one,
    reference: byKey.get(refKey(one.object))?.reference(one.path) ?? "",
  }));
  for (const one of findings) if (levelOf(one) !== "Error") context.err(`${findingText(one)}\n`);
  const patches = await patchProblems(objects);
  for (const one of patches) if (one.severity === "warning") context.err(`${formatProblem(one)}\n`);
  return [
    ...findings.filter((one) => levelOf(one) === "Error").map((one) => findingText(one)),
    ...patches.filter(({ severity }) => severity === "error").map(formatProblem),
  ];
}

/** Only Envoy's messages can tell whether what a patch holds is right. */
async function patchProblems(objects: readonly FileObject[]): Promise<readonly Problem[]> {
  const filters = objects.flatMap(({ object }): readonly EnvoyFilter[] => {
    if (object.kind !== "EnvoyFilter" || !isMeshResource(object)) return [];
    const parsed = parseResource(object);
    return parsed.ok && parsed.value.kind === "EnvoyFilter" ? [parsed.value] : [];
  });
  if (filters.length === 0) return [];
  const { createPatcher } = await import("@heddle/translate");
  const patcher = await createPatcher();
  return filters.flatMap((filter) => patcher.check(filter));
}
