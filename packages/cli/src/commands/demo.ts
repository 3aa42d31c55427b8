import { join } from "node:path";
import type { Command } from "commander";
import { type CliContext, UsageError } from "../context.ts";
import { renderReport, reportJson } from "../demo/report.ts";
import { type Demo, DemoInterrupted, startDemo } from "../demo/run.ts";
import { createTimeline } from "../demo/timeline.ts";
import { stopAsked } from "../stop-asked.ts";
import { demoMulticluster } from "./demo-multicluster.ts";

const ONCE_SECONDS = 60;
const REFRESH_MS = 2000;

interface Flags {
  readonly once?: boolean;
  readonly json?: boolean;
  readonly name?: string;
  readonly requestRate?: string;
}

function rateOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const rate = Number(text);
  if (!(rate > 0 && rate <= 1000))
    throw new UsageError(`--request-rate ${text}: expected a number above 0 and up to 1000`);
  return rate;
}

/** Settles when the user asks to end, or the process is told to. */
const interrupted = (): Promise<"interrupted"> => stopAsked().then(() => "interrupted");

export function addDemo(program: Command, context: CliContext): void {
  program
    .command("demo")
    .description("an embedded cluster with the mesh and emojivoto inside; Ctrl-C removes everything")
    .argument("[scenario]", "emojivoto, or multicluster: two clusters, one mesh, a call between them", "emojivoto")
    .option("--once", `end after ${ONCE_SECONDS} s of traffic and print the table`)
    .option("--json", "with --once: the report as one JSON object on the last line")
    .option("--name <name>", "name of the embedded cluster (multicluster: what both names begin with)")
    .option("--request-rate <rate>", "rounds per second of the vote bot (published: 1)")
    .action(async (scenario: string, flags: Flags) => {
      const root = join(import.meta.dir, "../../../..");
      if (scenario === "multicluster")
        return demoMulticluster(context, { ...flags, name: flags.name ?? "cluster", root }, interrupted());
      if (scenario !== "emojivoto") throw new UsageError(`demo ${scenario}: known are emojivoto and multicluster`);
      const live = process.stderr.isTTY === true;
      const stop = interrupted();
      const ending = new AbortController();
      void stop.then(() => ending.abort());
      const started = performance.now();
      const timeline = createTimeline({ write: context.err, nowMs: () => performance.now(), live });
      const wanted = {
        name: flags.name ?? "demo",
        requestRate: rateOf(flags.requestRate),
        root,
        signal: ending.signal,
      };
      const demo = await startDemo(context, wanted, timeline).catch((error: unknown) => {
        if (error instanceof DemoInterrupted) return undefined;
        throw error;
      });
      if (demo === undefined) return;
      context.err(`All pods ready after ${((performance.now() - started) / 1000).toFixed(1)} s.\n`);
      context.err(`  kubectl      export KUBECONFIG=${demo.cluster.kubeconfig}\n`);
      for (const [name, url] of Object.entries(demo.urls)) context.err(`  ${name.padEnd(12)} ${url}\n`);
      try {
        await (flags.once ? once(context, demo, flags, stop) : watch(context, demo, stop));
      } finally {
        context.err("removing everything …\n");
        await demo.close();
      }
    });
}

/** Two readings of the counters: calls that failed while some pods were still starting are not of the window. Units: ms. */
const SETTLE_MS = 4_000;

async function once(context: CliContext, demo: Demo, flags: Flags, stop: Promise<unknown>): Promise<void> {
  const interrupted = async (ms: number): Promise<boolean> => {
    const ended = await Promise.race([Bun.sleep(ms), stop, demo.cluster.ended]);
    if (typeof ended === "string" && ended !== "interrupted") throw new UsageError(ended);
    return ended === "interrupted";
  };
  if (await interrupted(SETTLE_MS)) return;
  for (let s = 0; s < ONCE_SECONDS; s += 10) {
    context.err(`… traffic: ${s} of ${ONCE_SECONDS} s\n`);
    if (await interrupted(10_000)) return;
  }
  const report = await demo.report(ONCE_SECONDS * 1000, ONCE_SECONDS);
  context.out(renderReport(report));
  if (flags.json) context.out(reportJson(report));
}

async function watch(context: CliContext, demo: Demo, stop: Promise<unknown>): Promise<void> {
  const clear = process.stdout.isTTY ? "\u001b[2J\u001b[H" : "";
  const started = performance.now();
  for (;;) {
    const ended = await Promise.race([Bun.sleep(REFRESH_MS), stop, demo.cluster.ended]);
    if (ended === "interrupted") return;
    if (typeof ended === "string") throw new UsageError(ended);
    try {
      const report = await demo.report(60_000, (performance.now() - started) / 1000);
      context.out(`${clear}emojivoto, the last minute (Ctrl-C ends and removes everything)\n\n${renderReport(report)}`);
    } catch (error) {
      context.err(`‼ ${error instanceof Error ? error.message : "no figures yet"}\n`);
    }
  }
}
