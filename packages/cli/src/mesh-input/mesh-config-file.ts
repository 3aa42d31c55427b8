import { readFile } from "node:fs/promises";
import { formatProblem, type MeshConfig, parseMeshConfig, parseYamlText } from "@heddle/config";
import { at } from "@heddle/std";
import { stringify } from "yaml";
import { UsageError } from "../context.ts";

/** Reads `--meshConfigFile`: a MeshConfig, or a whole ConfigMap `istio` with one. Errors: UsageError with every problem. */
export async function readMeshConfigFile(path: string): Promise<MeshConfig> {
  const text = await readFile(path, "utf8").catch((error: Error) => {
    throw new UsageError(`${path}: ${error.message}`, 64);
  });
  const read = parseYamlText(text, path);
  const inner = read.ok ? at(read.value, "data", "mesh") : undefined;
  const parsed = parseMeshConfig(typeof inner === "string" ? inner : read.ok ? stringify(read.value) : text, path);
  if (!parsed.ok) throw new UsageError(parsed.problems.map(formatProblem).join("\n"), 65);
  return parsed.value;
}
