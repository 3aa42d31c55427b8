/** Runs chapters against two clusters that are up: `bin/bun packages/cli/test/truth/main.ts REAL-KUBECONFIG EMBEDDED-KUBECONFIG [chapter …]`. */
import { createCluster } from "./cluster.ts";
import { compareStep } from "./compare.ts";
import { chapters } from "./steps/index.ts";

const [real = "", embedded = "", ...only] = process.argv.slice(2);
const kubectl = process.env["HEDDLE_KUBECTL"] ?? "kubectl";
const clusters = [createCluster("real", real, kubectl), createCluster("embedded", embedded, kubectl)] as const;
for (const [name, steps] of Object.entries(chapters)) {
  if (only.length > 0 && !only.includes(name)) continue;
  console.log(`## ${name}`);
  for (const step of steps) {
    const started = performance.now();
    const outcome = await compareStep(step, ...clusters);
    const took = performance.now() - started;
    if (took > 5000) console.log(`   (${(took / 1000).toFixed(1)} s) ${step.run}`);
    if (outcome.unexplained.length > 0)
      console.log(
        `$ ${step.run}  ${step.stdin ? `<<< ${step.stdin.slice(0, 150)}` : ""}\n${outcome.unexplained.join("\n")}`,
      );
  }
}
