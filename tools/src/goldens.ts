import { join } from "node:path";
import { runCommand } from "./checks/run-command.ts";

/** Programs that rewrite the goldens of a package; `npm run ok` compares them among the unit tests. */
const programs: readonly string[] = ["packages/translate/goldens.ts", "packages/explain/goldens.ts"];

const root = join(import.meta.dir, "../..");
let failed = false;
for (const program of programs) {
  const { code, output } = await runCommand([join(root, "bin/bun"), join(root, program)], root);
  process.stdout.write(output);
  if (code !== 0) failed = true;
}
if (!failed) console.log("goldens are what the code gives; look at the difference before you commit it");
process.exit(failed ? 1 : 0);
