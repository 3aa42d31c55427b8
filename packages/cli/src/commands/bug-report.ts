import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { collectReport } from "../bug-report/collect.ts";
import { DEFAULT_EXCLUDES, podSelection } from "../bug-report/pod-selection.ts";
import { type CliContext, UsageError } from "../context.ts";
import { globalOptions } from "../global-options.ts";
import { findMeshNamespace } from "../mesh-namespace.ts";
import { remoteVersions } from "../version/versions.ts";

interface Flags {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly duration?: string;
  readonly startTime?: string;
  readonly endTime?: string;
  readonly timeout: string;
  readonly rqConcurrency: string;
  readonly outputDir: string;
  readonly dir?: string;
  readonly dryRun?: boolean;
  readonly fullSecrets?: boolean;
}

const ARCHIVE = "bug-report.tar.gz";
const collect = (value: string, all: readonly string[]) => [...all, value];

/** `bug-report`: one archive with versions, resources, configurations and logs; secrets are never in it. */
export function addBugReport(program: Command, context: CliContext): void {
  program
    .command("bug-report")
    .description("an archive for whoever helps: versions, resources, proxy configurations, logs; secrets replaced")
    .option(
      "--include <spec>",
      "only NAMESPACES/DEPLOYMENTS/PODS/LABELS/ANNOTATIONS/CONTAINERS, lists with *",
      collect,
      [],
    )
    .option("--exclude <spec>", `the same, left out (default: ${DEFAULT_EXCLUDES})`, collect, [])
    .option("--duration <time>", "logs of the last 30s, 10m, 2h, 1d (default: all that is kept)")
    .option("--start-time <time>", "logs from then on, as 2026-11-21T08:00:00Z")
    .option("--end-time <time>", "logs until then")
    .option("--timeout <time>", "afterwards what is there is written", "30m")
    .option("--rq-concurrency <number>", "pods that are asked at the same time", "8")
    .option("--output-dir <folder>", "where the archive is written", ".")
    .option("--dir <folder>", "the same, as older istioctl calls it")
    .option("--dry-run", "only say what would be read")
    .option("--full-secrets", "accepted for istioctl's sake: secrets are left out all the same")
    .action(async (flags: Flags, command: Command) => {
      const global = globalOptions(command);
      const selection = podSelection(flags.include, flags.exclude.length > 0 ? flags.exclude : DEFAULT_EXCLUDES);
      const span = logSpan(flags, Date.now());
      const concurrency = Number(flags.rqConcurrency);
      if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 64)
        throw new UsageError(`--rq-concurrency ${flags.rqConcurrency}: expected a whole number from 1 to 64`);
      const timeoutMs = durationMs(flags.timeout, "--timeout");
      if (flags.fullSecrets) context.err("‼ --full-secrets has no effect: values of secrets never leave the cluster\n");
      const kube = await context.kube(global);
      const meshNamespace = await findMeshNamespace(kube, global);
      const versions = await remoteVersions(kube, meshNamespace);
      if (flags.dryRun) {
        const chosen = versions.proxies.length;
        return context.out(
          `would read resources of all kinds of the mesh, ${versions.controlPlane.length} versions of the control plane and at most ${chosen} proxies, and write ${ARCHIVE}\n`,
        );
      }
      const files = await collectReport(kube, {
        meshNamespace,
        selection,
        ...span,
        concurrency,
        signal: AbortSignal.timeout(timeoutMs),
        onProgress: (sentence) => context.err(`reading ${sentence} …\n`),
      });
      files.set("versions.json", `${JSON.stringify({ client: context.version, ...versions }, undefined, 1)}\n`);
      const folder = flags.dir ?? flags.outputDir;
      await mkdir(folder, { recursive: true });
      const archive = new Bun.Archive(
        Object.fromEntries([...files].map(([path, text]) => [`bug-report/${path}`, text])),
        { compress: "gzip" },
      );
      const path = join(folder, ARCHIVE);
      // Names of everything that runs: for the owner's eyes.
      await writeFile(path, await archive.bytes(), { mode: 0o600 });
      context.out(`${path}: ${files.size} files. Secrets are replaced; look through it before you pass it on.\n`);
    });
}

function logSpan(
  flags: Flags,
  nowMs: number,
): { readonly since: string | undefined; readonly until: string | undefined } {
  const moment = (text: string | undefined, flag: string) => {
    if (text === undefined) return undefined;
    const ms = Date.parse(text);
    if (Number.isNaN(ms)) throw new UsageError(`${flag} ${text}: expected a time such as 2026-11-21T08:00:00Z`);
    return new Date(ms).toISOString();
  };
  if (flags.duration !== undefined && flags.startTime !== undefined)
    throw new UsageError("--duration and --start-time: give one of the two");
  const until = moment(flags.endTime, "--end-time");
  if (flags.duration === undefined) return { since: moment(flags.startTime, "--start-time"), until };
  const end = until === undefined ? nowMs : Date.parse(until);
  return { since: new Date(end - durationMs(flags.duration, "--duration")).toISOString(), until };
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function durationMs(text: string, flag: string): number {
  const parts = [...text.matchAll(/(\d+)([smhd])/g)];
  const total = parts.reduce((sum, [, count, unit = ""]) => sum + Number(count) * (UNITS[unit] ?? 0), 0);
  if (total <= 0 || parts.map(([all]) => all).join("") !== text)
    throw new UsageError(`${flag} ${text}: expected a time such as 30s, 10m, 2h or 1h30m`);
  return total;
}
