/** Runs chapters against two clusters that are up: `bin/bun packages/cli/test/truth/main.ts REAL-KUBECONFIG EMBEDDED-KUBECONFIG [chapter …]`. */
import { createCluster } from "./cluster.ts";
import { compareChapter } from "./compare.ts";
import { chapters } from "./steps/index.ts";

const [real = "", embedded = "", ...only] = process.argv.slice(2);
const kubectl = process.env["HEDDLE_KUBECTL"] ?? "kubectl";
const clusters = [createCluster("real", real, kubectl), createCluster("embedded", embedded, kubectl)] as const;
for (const [name, chapter] of Object.entries(chapters)) {
  if (only.length > 0 && !only.includes(name)) continue;
  const started = performance.now();
  const outcomes = await compareChapter(chapter, ...clusters);
  console.log(`## ${name}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
  for (const { step, unexplained } of outcomes)
    if (unexplained.length > 0) console.log(`$ kubectl ${step.run}\n${unexplained.join("\n")}`);
}
