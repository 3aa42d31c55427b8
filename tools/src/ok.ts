import { join } from "node:path";
import { boundaries } from "./checks/boundaries.ts";
import type { Check } from "./checks/check.ts";
import { generated } from "./checks/generated.ts";
import { formatAndLint, typesOf, unitTests } from "./checks/programs.ts";
import { sizes } from "./checks/sizes.ts";
import { words } from "./checks/words.ts";

/** Everything that `npm run ok` looks at, cheap ones first; each has a fixture in `tools/fixtures` that it must fail on. */
export const checks = [
  sizes,
  words,
  boundaries,
  generated,
  formatAndLint,
  typesOf,
  unitTests,
] as const satisfies readonly Check[];

/** Runs every check, prints what each found, and gives the counts and the problems as printed. */
export async function runChecks(root: string): Promise<{ passed: number; failed: number; problems: string[] }> {
  let passed = 0;
  let failed = 0;
  const told: string[] = [];
  for (const check of checks) {
    const started = performance.now();
    const problems = await check.run(root);
    const took = `${((performance.now() - started) / 1000).toFixed(1)} s`;
    if (problems.length === 0) {
      passed++;
      console.log(`√ ${check.name} (${took})`);
      continue;
    }
    failed++;
    console.log(`× ${check.name} (${took}): ${problems.length} problem${problems.length > 1 ? "s" : ""}`);
    for (const p of problems) {
      const line = `    ${p.where}: ${p.what.replaceAll("\n", "\n    ")}`;
      console.log(line);
      told.push(`${check.name}:\n${line}`);
    }
  }
  return { passed, failed, problems: told };
}

if (import.meta.main) {
  const { failed } = await runChecks(join(import.meta.dir, "../.."));
  process.exit(failed === 0 ? 0 : 1);
}
