import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Check, Problem } from "./check.ts";
import { runCommand } from "./run-command.ts";

/** A check that is a program: exit code 0 means nothing found; otherwise its output is the finding. */
function program(name: string, argv: (root: string) => readonly string[]): Check {
  return {
    name,
    async run(root): Promise<readonly Problem[]> {
      const { code, output } = await runCommand(argv(root), root);
      return code === 0 ? [] : [{ where: ".", what: output.trim() }];
    },
  };
}

const home = join(import.meta.dir, "../../..");
const bin = (name: string) => join(home, "node_modules/.bin", name);

/** Biome: format, lint, import order, import cycles, undeclared dependencies. */
export const formatAndLint = program("format and lint", (root) => [
  bin("biome"),
  "ci",
  "--reporter=summary",
  "--colors=off",
  "--config-path",
  existsSync(join(root, "biome.json")) ? root : home,
  root,
]);

export const typesOf = program("types", (root) => [bin("tsc"), "-p", join(root, "tsconfig.json"), "--pretty", "false"]);

/** Unit lane: tests beside the code; `test/` folders belong to the integration lane. */
export const unitTests = program("unit tests", (root) => [
  join(home, "bin/bun"),
  "test",
  "--only-failures",
  // The runner's own limit of 5 s is none for a busy machine.
  "--timeout",
  "20000",
  "--path-ignore-patterns",
  "**/*.integration.test.ts",
  "--path-ignore-patterns",
  "**/tools/fixtures/**",
  root,
]);
