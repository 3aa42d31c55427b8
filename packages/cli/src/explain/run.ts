import { type KubeObject, refKey, refOf } from "@heddle/config";
import { diffMeshes, diffText, explanationText, meshedPod, meshOf, readTarget } from "@heddle/explain";
import { createViews } from "@heddle/model";
import type { Command } from "commander";
import { stringify } from "yaml";
import { type CliContext, UsageError } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { filesOf, type MeshObjects, overlay, readMesh, settled } from "./mesh-source.ts";
import { dumpFile, explainFromDump, explainFromPod, newGenerator } from "./request.ts";

interface SourceFlags {
  readonly filename: readonly string[];
  readonly namespace?: string;
  readonly useKube?: boolean | string;
  readonly meshConfigFile?: string;
  readonly output: string;
}

export interface RequestFlags extends SourceFlags {
  readonly from?: string;
  readonly to?: string;
  readonly header: readonly string[];
  readonly method?: string;
}

export interface DiffFlags extends SourceFlags {
  readonly base: readonly string[];
  readonly delete?: boolean;
}

function useKube(flags: SourceFlags, files: readonly string[]): boolean {
  return flags.useKube === undefined ? files.length === 0 : !/^=?false$/.test(String(flags.useKube));
}

export async function explain(context: CliContext, flags: RequestFlags, command: Command): Promise<void> {
  const request = readTarget(flags.to ?? "", flags.method, headersOf(flags.header));
  if (typeof request === "string") throw new UsageError(`--to ${request}`);
  const format = formatOf(flags.output);
  const from = flags.from ?? "";
  const dump = await dumpFile(from);
  const live = useKube(flags, [...flags.filename, ...(dump === undefined ? [] : [from])]);
  const source = await readMesh(context, globalOptions(command), {
    files: flags.filename,
    useKube: live,
    namespace: flags.namespace,
    meshConfigFile: flags.meshConfigFile,
  });
  const options = { from, request, generated: !live || flags.filename.length > 0 };
  const explanation =
    dump === undefined ? await explainFromPod(source, options) : await explainFromDump(dump, source, options);
  context.out(render(format, explanation, explanationText));
}

export async function diff(
  context: CliContext,
  files: readonly string[],
  flags: DiffFlags,
  command: Command,
): Promise<void> {
  if (files.length === 0) throw new UsageError("which change? Give its files with -f, or -f - for standard input");
  const format = formatOf(flags.output);
  const source = await readMesh(context, globalOptions(command), {
    files: flags.base,
    useKube: useKube(flags, flags.base),
    namespace: flags.namespace,
    meshConfigFile: flags.meshConfigFile,
  });
  const changed = await filesOf(context, files, source.namespace);
  const keys = new Set(changed.map((object) => refKey(refOf(object))));
  const after =
    flags.delete === true
      ? source.objects.filter((object) => !keys.has(refKey(refOf(object))))
      : overlay(source.objects, changed);
  const sides = [side(source, source.objects), side(source, after)] as const;
  // What is refused would never come into force; the difference would be of something else.
  const refused = changed.flatMap((object) => sides[1].state.problems.get(refKey(refOf(object))) ?? []);
  const errors = flags.delete === true ? [] : refused.filter(({ severity }) => severity === "error");
  if (errors.length > 0)
    throw new UsageError(
      `the change would be refused:\n${errors.map(({ source: object, path, reason }) => `  ${object}: ${path}: ${reason}`).join("\n")}`,
    );
  context.out(render(format, diffMeshes(...sides, await newGenerator(), createViews), diffText));
}

function side(source: MeshObjects, objects: readonly KubeObject[]) {
  const complete = settled(source, objects);
  return { state: meshOf(complete, source.mesh), pods: complete.flatMap((object) => meshedPod(object) ?? []) };
}

function headersOf(texts: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf(":");
      if (at < 1) throw new UsageError(`-H ${text}: expected "name: value"`);
      return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
    }),
  );
}

function formatOf(text: string): "text" | "json" | "yaml" {
  if (text === "text" || text === "json" || text === "yaml") return text;
  throw new UsageError(`-o ${text}: expected text, json or yaml`);
}

function render<T>(format: "text" | "json" | "yaml", value: T, text: (value: T) => string): string {
  if (format === "json") return `${JSON.stringify(value, null, 2)}\n`;
  return format === "yaml" ? stringify(value) : text(value);
}
