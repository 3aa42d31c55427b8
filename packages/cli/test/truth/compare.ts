import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster, Printed } from "./cluster.ts";
import { normalise } from "./normalise.ts";
import { argumentsOf, type Chapter, type Step } from "./step.ts";
import { type WantedDifference, wantedDifferences } from "./wanted-differences.ts";

/** What one step printed on both, as lines that must be equal. */
export interface Outcome {
  readonly step: Step;
  /** Lines that only one of the two printed, after what legitimately differs was evened out; `-` real, `+` embedded. */
  readonly differences: readonly string[];
  /** Those of them that no wanted difference explains. */
  readonly unexplained: readonly string[];
  readonly reasons: readonly WantedDifference[];
}

const UNTIL_MS = 40_000;

/** Compares a chapter, one step after the other, or four at a time where their order means nothing. */
export async function compareChapter(chapter: Chapter, real: Cluster, embedded: Cluster): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = new Array(chapter.steps.length);
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < chapter.steps.length; i = next++) {
      const step = chapter.steps[i];
      if (step) outcomes[i] = await compareStep(step, real, embedded);
    }
  };
  await Promise.all(Array.from({ length: chapter.anyOrder ? 4 : 1 }, worker));
  return outcomes;
}

/** Runs a step on both clusters at the same time and compares. */
export async function compareStep(step: Step, real: Cluster, embedded: Cluster): Promise<Outcome> {
  const [ofReal, ofEmbedded] = await Promise.all([runStep(step, real), runStep(step, embedded)]);
  if (step.quiet) {
    const failed = [ofReal, ofEmbedded].flatMap((p) => (p.code === 0 ? [] : [p.stderr]));
    return { step, differences: failed, unexplained: failed, reasons: [] };
  }
  const differences = differencesOf(linesOf(step, ofReal), linesOf(step, ofEmbedded));
  const reasons = wantedDifferences.filter((w) => w.in.test(step.run) && differences.some((d) => w.line.test(d)));
  const unexplained = differences.filter((d) => !reasons.some((w) => w.line.test(d)));
  return { step, differences, unexplained, reasons };
}

async function runStep(step: Step, cluster: Cluster): Promise<Printed> {
  const deadline = performance.now() + UNTIL_MS;
  for (;;) {
    const printed = await cluster.kubectl(argumentsOf(step, cluster.kept), { stdin: step.stdin, env: step.env });
    if (step.keep) cluster.kept.set(step.keep, printed.stdout.trim());
    if (!step.until || step.until.test(printed.stdout + printed.stderr) || performance.now() > deadline) return printed;
    await sleep(250);
  }
}

function linesOf(step: Step, printed: Printed): readonly string[] {
  const lines = (text: string) =>
    normalise(text)
      .split("\n")
      .filter((line) => line.trim() !== "");
  const inOrder = (all: readonly string[]) => (step.sorted ? [...all].sort() : all);
  const out = step.lastLine ? lines(printed.stdout).slice(-1) : inOrder(lines(printed.stdout));
  const err = inOrder(lines(printed.stderr)).map((line) => `stderr: ${line}`);
  return [...out, ...err, `exit code ${printed.code}`];
}

/** Lines outside the longest common subsequence. */
export function differencesOf(real: readonly string[], embedded: readonly string[]): readonly string[] {
  const common = real.map(() => new Uint32Array(embedded.length + 1));
  common.push(new Uint32Array(embedded.length + 1));
  const at = (i: number, j: number) => common[i]?.[j] ?? 0;
  for (let i = real.length - 1; i >= 0; i--)
    for (let j = embedded.length - 1; j >= 0; j--) {
      const row = common[i];
      if (row) row[j] = real[i] === embedded[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  const found: string[] = [];
  let [i, j] = [0, 0];
  while (i < real.length || j < embedded.length) {
    if (i < real.length && j < embedded.length && real[i] === embedded[j]) {
      i++;
      j++;
    } else if (j >= embedded.length || (i < real.length && at(i + 1, j) >= at(i, j + 1))) found.push(`-${real[i++]}`);
    else found.push(`+${embedded[j++]}`);
  }
  return found;
}
