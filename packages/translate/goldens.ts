/**
 * The goldens of this package: `testdata/<case>/in.yaml` (a mesh, a proxy, what to show) and `out.yaml` (what it is told).
 * Run as a program it rewrites every `out.yaml`; the test compares.
 */
import { join } from "node:path";
import { loadTypeRegistry } from "@heddle/xds-api";
import { stringify } from "yaml";
import { goldenFolder } from "./src/golden-folder.testing.ts";
import { buildCase, type MeshCase, parseCase } from "./src/mesh-case.testing.ts";
import { createPatcher } from "./src/patch/patcher.ts";
import { project, type Selection } from "./test/projection.ts";

const goldens = goldenFolder(join(import.meta.dirname, "testdata"), "out.yaml");

export interface Golden {
  readonly input: MeshCase;
  readonly expected: string;
  readonly actual: string;
}

export const goldenNames = goldens.names;

/** Errors: throws when the case has no first line that says what it proves, or cannot be built. */
export async function runGolden(name: string): Promise<Golden> {
  const { text, proves } = goldens.input(name);
  const input = parseCase(text);
  const built = buildCase(input, await createPatcher());
  const actual = stringify(project(built, (input["select"] ?? {}) as Selection, await loadTypeRegistry()), {
    lineWidth: 0,
  });
  return { input, actual: `# ${proves}\n${actual}`, expected: goldens.expected(name) };
}

if (import.meta.main) await goldens.rewrite(async (name) => (await runGolden(name)).actual);
