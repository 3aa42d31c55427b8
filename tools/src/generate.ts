import { join } from "node:path";
import { runCommand } from "./checks/run-command.ts";
import { envoyMessages, writeStamp } from "./generated/stamp.ts";

/** One thing that is written by a program and committed. */
interface Step {
  readonly name: string;
  /** What it writes, for the message. */
  readonly writes: string;
  readonly program: string;
  after?(root: string): Promise<void>;
}

/** Everything generated; each program declares its own inputs (packages, definitions). */
const steps: readonly Step[] = [
  {
    name: "xds-api",
    writes: envoyMessages.output,
    program: "packages/xds-api/generate.ts",
    after: (root) => writeStamp(root, envoyMessages),
  },
  { name: "docs", writes: "docs/istio.md", program: "packages/config/generate-docs.ts" },
  { name: "dashboards", writes: "dashboards/grafana/*.json", program: "packages/viz/generate-dashboards.ts" },
  { name: "proxy-docs", writes: "docs/proxy.md", program: "packages/proxy/generate-docs.ts" },
];

/** `npm run generate [-- name …]`: writes what the definitions and dependencies say. Without names all of it; `xds-api` takes a minute. */
async function main(names: readonly string[]): Promise<number> {
  const root = join(import.meta.dir, "../..");
  const unknown = names.filter((name) => !steps.some((step) => step.name === name));
  if (unknown.length > 0) {
    console.error(
      `nothing is generated under the name ${unknown.join(", ")}; known: ${steps.map((s) => s.name).join(", ")}`,
    );
    return 1;
  }
  for (const step of steps) {
    if (names.length > 0 && !names.includes(step.name)) continue;
    const { code, output } = await runCommand([join(root, "bin/bun"), join(root, step.program)], root);
    if (code !== 0) {
      console.error(`${step.program} failed:\n${output}`);
      return 1;
    }
    await step.after?.(root);
    console.log(`wrote ${step.writes}`);
  }
  return 0;
}

process.exit(await main(process.argv.slice(2)));
