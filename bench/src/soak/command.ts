import { renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { freePort } from "@heddle/std/free-ports";
import { MIB } from "../compare/load.ts";
import { type Child, startChild, waitForPort } from "../measure/child.ts";
import { benchCommand, onStage } from "../measure/command.ts";
import { issuePair, machineClass } from "../pair/compare-pairs.ts";
import { heddlePlan } from "../pair/plans.ts";
import { listenerFile, type SidecarPlan, sidecarBootstrap } from "../pair/proxy-config.ts";
import { soakFeatures } from "./features.ts";
import { formatSeries, type MemorySample, type ProbeLine, readProbe, residentOf } from "./memory-series.ts";
import { createTraffic, type Traffic } from "./traffic.ts";
import { growthPerHour, type Holdings, holdings } from "./watch.ts";

const HELP = `Usage: npm run bench -- soak [options]

A pair of our sidecars with mTLS and everything switched on, at a fixed rate, while clients and the application misbehave and the listeners
are replaced again and again. Checks every answer, then that nothing is left. Exit code 1 when an answer was wrong, failed, or something leaks.

  --minutes N      length                                  (default 5)
  --rate N         requests per second                     (default 200)
  --update-s N     replace the listeners every N seconds   (default 20)
  --json           the result as one JSON object on the last line
`;

/** Memory may still grow while the compiler works and pools fill; beyond this it is a leak. Units: MiB. */
const GROWTH_MIB = 40;
/** Connections that pools may keep when nobody asks any more. */
const POOLED_FDS = 80;
/** How long everything has to come to rest. Longer than idle timeouts. Units: ms. */
const REST_MS = 45_000;
const SAMPLE_MS = 5000;

interface Side {
  readonly role: "client" | "server";
  readonly plan: Omit<SidecarPlan, "extras">;
  readonly file: string;
  process: Child | undefined;
  before: Holdings | undefined;
  /** What its probe writes. */
  readonly probe: string;
  readonly samples: MemorySample[];
}

/** `npm run bench -- soak`. */
export const runSoak = benchCommand({
  name: "soak",
  help: HELP,
  readOptions,
  run: (options) => onStage(({ folder, children }) => soak(options, folder, children)),
});

interface SoakOptions {
  readonly minutes: number;
  readonly rate: number;
  readonly updateSeconds: number;
  readonly json: boolean;
}

async function soak(options: SoakOptions, folder: string, children: Child[]): Promise<number> {
  const appPort = freePort();
  const app = startChild({ argv: [process.execPath, resolve(import.meta.dir, "soak-app.ts"), String(appPort)] });
  children.push(app);
  await waitForPort(appPort, app);
  const sides = await startSides(folder, appPort, children);
  const client = sides.find((side) => side.role === "client");
  if (client === undefined) throw new Error("there is no client side");
  for (const side of sides) side.before = await look(side);
  const traffic = createTraffic(client.plan.listenPort);
  const updates = await drive(options, traffic, sides);
  for (const giveUpAt = performance.now() + REST_MS; traffic.open > 0 && performance.now() < giveUpAt; )
    await Bun.sleep(50);
  traffic.close();
  const failures = [...verdictOfTraffic(traffic), ...(await verdictOfSides(sides))];
  const after = await Promise.all(sides.map(look));
  const { tally } = traffic;
  const report = {
    benchmark: "soak",
    date: new Date().toISOString(),
    machine: machineClass(),
    minutes: options.minutes,
    rate: options.rate,
    listenerUpdates: updates,
    requests: { ...tally, reasons: undefined },
    sides: Object.fromEntries(
      sides.map(({ role, before, samples, probe }, i) => [
        role,
        {
          before,
          after: after[i],
          rssGrowthMiBPerHour: Math.round(growthPerHour(samples)),
          peakRssMiB: Math.max(...samples.map(({ rss }) => rss)),
          samples,
          probed: readProbe(probe),
        },
      ]),
    ),
    failures,
  };
  console.log(formatReport(report));
  if (options.json) console.log(JSON.stringify(report));
  return failures.length === 0 ? 0 : 1;
}

async function startSides(folder: string, appPort: number, children: Child[]): Promise<readonly Side[]> {
  const files = await issuePair(folder);
  const inboundPort = freePort();
  const side = (role: "client" | "server", listenPort: number, targetPort: number): Side => ({
    role,
    file: join(folder, `${role}-listeners.json`),
    probe: join(folder, `${role}-memory.jsonl`),
    plan: {
      role,
      listenPort,
      targetPort,
      adminPort: freePort(),
      own: files[role],
      peer: files[role === "client" ? "server" : "client"],
      protocol: "http",
      secure: true,
      upstreamHttp2: false,
      istioStats: true,
    },
    process: undefined,
    before: undefined,
    samples: [],
  });
  const sides = [side("server", inboundPort, appPort), side("client", freePort(), inboundPort)];
  for (const each of sides) {
    replaceListener(each, 0);
    const path = join(folder, `${each.role}.json`);
    writeFileSync(path, JSON.stringify(sidecarBootstrap(planOf(each, 0))));
    const [runtime = "", ...command] = heddlePlan("heddle").command(path);
    each.process = startChild({
      argv: [runtime, "--preload", resolve(import.meta.dir, "memory-probe.ts"), ...command],
      env: { HEDDLE_SOAK_PROBE_FILE: each.probe },
    });
    children.push(each.process);
    await waitForPort(each.plan.listenPort, each.process);
  }
  return sides;
}

function planOf(side: Side, version: number): SidecarPlan {
  return { ...side.plan, extras: soakFeatures(side.role, version, side.file) };
}

/** In one step, so that the proxy never reads half a file. */
function replaceListener(side: Side, version: number): void {
  writeFileSync(`${side.file}.new`, JSON.stringify(listenerFile(planOf(side, version), String(version))));
  renameSync(`${side.file}.new`, side.file);
}

/** Sends for as long as was asked, at a fixed rate whatever comes back. Gives the number of updates. */
async function drive(options: SoakOptions, traffic: Traffic, sides: readonly Side[]): Promise<number> {
  const start = performance.now();
  const endMs = options.minutes * 60_000;
  let updates = 0;
  let sampled = 0;
  let told = 0;
  for (;;) {
    const now = performance.now() - start;
    if (now >= endMs) return updates;
    const due = Math.floor((now / 1000) * options.rate);
    while (traffic.tally.sent < due) traffic.next();
    if (now >= (updates + 1) * options.updateSeconds * 1000) {
      updates++;
      for (const side of sides) replaceListener(side, updates);
    }
    if (now >= sampled * SAMPLE_MS) {
      sampled++;
      for (const { samples, process } of sides) {
        const { rss, anonymous } = residentOf(process?.pid ?? 0);
        samples.push({ atMs: now, rss: rss / MIB, anonymous: anonymous / MIB });
      }
    }
    if (now >= (told + 1) * 30_000) {
      told++;
      const { sent, right, broken, again, wrong, failed } = traffic.tally;
      const rss = sides.map((side) => `${side.role} ${side.samples.at(-1)?.rss.toFixed(0)} MiB`).join(", ");
      console.error(
        `${Math.round(now / 1000)} s: ${sent} sent, ${right} right, ${broken} broken on purpose, ${again} again, ${wrong} wrong, ${failed} failed; ${rss}`,
      );
    }
    await Bun.sleep(10);
  }
}

async function look(side: Side): Promise<Holdings> {
  if (side.process === undefined) throw new Error("a side that was never started");
  return holdings(side.process.pid, side.plan.adminPort);
}

function verdictOfTraffic({ tally }: Traffic): string[] {
  const failures = tally.reasons.slice();
  if (tally.right + tally.broken + tally.wrong + tally.failed < tally.sent) failures.push("requests have no answer");
  if (tally.wrong > 0) failures.push(`${tally.wrong} answers did not belong to their requests`);
  if (tally.failed > 0) failures.push(`${tally.failed} requests failed`);
  return failures;
}

/** Waits for rest, then compares with the beginning. */
async function verdictOfSides(sides: readonly Side[]): Promise<string[]> {
  const failures: string[] = [];
  const giveUpAt = performance.now() + REST_MS;
  for (const side of sides) {
    const { before, samples, role } = side;
    if (before === undefined) continue;
    const remains = (now: Holdings): string[] => [
      ...(now.requests > 0 ? [`${now.requests} requests are active`] : []),
      ...(now.clients > 0 ? [`${now.clients} connections of clients are open`] : []),
      ...(now.fds > before.fds + POOLED_FDS ? [`${now.fds} descriptors, ${before.fds} at the start`] : []),
      ...(now.timers > before.timers + POOLED_FDS ? [`${now.timers} timers, ${before.timers} at the start`] : []),
    ];
    let left = remains(await look(side));
    while (left.length > 0 && performance.now() < giveUpAt) {
      await Bun.sleep(500);
      left = remains(await look(side));
    }
    failures.push(...left.map((text) => `${role}: ${text}`));
    const third = samples[Math.floor(samples.length / 3)]?.rss ?? 0;
    const last = samples.at(-1)?.rss ?? 0;
    // A short run ends before the compiler does: it says nothing of memory.
    if (samples.length >= 24 && last > third + GROWTH_MIB)
      failures.push(`${role}: ${Math.round(last)} MiB at the end, ${Math.round(third)} after a third of the run`);
  }
  return failures;
}

function formatReport(report: {
  readonly date: string;
  readonly machine: string;
  readonly minutes: number;
  readonly rate: number;
  readonly listenerUpdates: number;
  readonly requests: Omit<Traffic["tally"], "reasons">;
  readonly sides: Readonly<
    Record<
      string,
      {
        readonly before: Holdings | undefined;
        readonly after: Holdings | undefined;
        readonly rssGrowthMiBPerHour: number;
        readonly samples: readonly MemorySample[];
        readonly probed: readonly ProbeLine[];
      }
    >
  >;
  readonly failures: readonly string[];
}): string {
  const { requests: r } = report;
  const held = (at: Holdings | undefined) =>
    at === undefined
      ? "–"
      : `${at.rssMiB.toFixed(0)} MiB, ${at.fds} descriptors, ${at.requests} requests, ${at.clients} clients, ${at.timers} timers`;
  return [
    `${report.date}  ${report.machine}`,
    `${report.minutes} min at ${report.rate} requests/s, ${report.listenerUpdates} listener updates on each side`,
    `${r.sent} sent: ${r.right} right, ${r.broken} broken on purpose, ${r.again} sent again, ${r.wrong} wrong, ${r.failed} failed`,
    ...Object.entries(report.sides).flatMap(([role, { before, after, rssGrowthMiBPerHour, samples, probed }]) => [
      `${role} before: ${held(before)}`,
      `${role} after:  ${held(after)}; memory in the last two thirds: ${rssGrowthMiBPerHour} MiB/h`,
      `${role}, MiB, medians of twelfths of the run:`,
      ...formatSeries(samples, probed),
    ]),
    report.failures.length === 0 ? "nothing wrong, nothing left" : `FAILED:\n  ${report.failures.join("\n  ")}`,
  ].join("\n");
}

function readOptions(argv: readonly string[]) {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      minutes: { type: "string", default: "5" },
      rate: { type: "string", default: "200" },
      "update-s": { type: "string", default: "20" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const minutes = Number(values.minutes);
  const rate = Number(values.rate);
  const updateSeconds = Number(values["update-s"]);
  for (const [name, value] of Object.entries({ minutes, rate, "update-s": updateSeconds }))
    if (!(value > 0)) return `--${name} must be a number above 0`;
  return { minutes, rate, updateSeconds, json: values.json, help: values.help };
}
