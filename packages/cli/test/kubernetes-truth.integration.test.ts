import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type RunningCluster, startCluster } from "@heddle/local-cluster";
import { type Cluster, createCluster } from "./truth/cluster.ts";
import { compareChapter } from "./truth/compare.ts";
import { findRealCluster, prepareRealCluster } from "./truth/real-cluster.ts";
import { chapters } from "./truth/steps/index.ts";
import { wantedDifferences } from "./truth/wanted-differences.ts";

const found = findRealCluster(process.env);
if (found.kind === "missing") console.log(`skipped: ${found.reason}`);

describe.skipIf(found.kind === "missing")("kubectl prints the same on the embedded cluster and on Kubernetes", () => {
  let running: RunningCluster | undefined;
  let real: Cluster;
  let embedded: Cluster;
  const seen = new Set<string>();

  beforeAll(async () => {
    if (found.kind === "missing") return;
    running = await startCluster({
      name: `truth-${process.pid}`,
      env: process.env,
      uid: process.getuid?.() ?? 0,
      onWarning: console.log,
    });
    embedded = createCluster("embedded", running.kubeconfig, found.kubectl);
    real = await prepareRealCluster(found, ["busybox"]);
  }, 180_000);

  afterAll(async () => {
    await running?.close();
  }, 60_000);

  test.each(Object.entries(chapters))(
    "%s",
    async (name, chapter) => {
      const outcomes = await compareChapter(chapter, real, embedded);
      for (const outcome of outcomes) for (const { reason } of outcome.reasons) seen.add(reason);
      const unexplained = outcomes
        .filter((o) => o.unexplained.length > 0)
        .map(({ step, unexplained: lines }) => `$ kubectl ${step.run}\n${lines.join("\n")}\n${step.stdin ?? ""}`);
      console.log(`${name}: ${outcomes.length} commands, ${unexplained.length} with differences that nobody wanted`);
      expect(unexplained.join("\n")).toBe("");
    },
    240_000,
  );

  test("every wanted difference still shows", () => {
    expect(wantedDifferences.map((w) => w.reason).filter((reason) => !seen.has(reason))).toEqual([]);
  });
});
