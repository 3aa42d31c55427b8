/**
 * The goldens of this package: `testdata/<case>/in.yaml` (a mesh, a proxy, what to show) and `out.yaml` (what it is told).
 * Run as a program it rewrites every `out.yaml`; the test compares.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadTypeRegistry } from "@heddle/xds-api";
import { stringify } from "yaml";
import { buildCase, type MeshCase, parseCase } from "./src/mesh-case.testing.ts";
import { createPatcher } from "./src/patch/patcher.ts";
import { project, type Selection } from "./test/projection.ts";

const folder = join(import.meta.dirname, "testdata");

export interface Golden {
  readonly name: string;
  /** The first line of the input: what the case proves. */
  readonly proves: string;
  readonly input: MeshCase;
  readonly expected: string;
  readonly actual: string;
}

export function goldenNames(): readonly string[] {
  return readdirSync(folder).sort();
}

/** Errors: throws when the case has no first line that says what it proves, or cannot be built. */
export async function runGolden(name: string): Promise<Golden> {
  const text = readFileSync(join(folder, name, "in.yaml"), "utf8");
  const proves = /^# (.+)/.exec(text)?.[1];
  if (proves === undefined) throw new Error(`${name}/in.yaml has to begin with "# " and what it proves`);
  const input = parseCase(text);
  const built = buildCase(input, await createPatcher());
  const actual = stringify(project(built, (input["select"] ?? {}) as Selection, await loadTypeRegistry()), {
    lineWidth: 0,
  });
  return { name, proves, input, actual: `# ${proves}\n${actual}`, expected: readExpected(name) };
}

function readExpected(name: string): string {
  try {
    return readFileSync(join(folder, name, "out.yaml"), "utf8");
  } catch {
    return "";
  }
}

if (import.meta.main) {
  for (const name of goldenNames()) {
    const { actual, expected } = await runGolden(name);
    if (actual === expected) continue;
    writeFileSync(join(folder, name, "out.yaml"), actual);
    console.log(`rewrote packages/translate/testdata/${name}/out.yaml`);
  }
}
