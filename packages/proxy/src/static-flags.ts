import { err, ok, type Result } from "@heddle/std";

/** What the flags of `heddle proxy -c FILE` ask for. */
export interface StaticFlags {
  /** Check the file and end. */
  readonly validateOnly: boolean;
  readonly drainMs: number;
}

/** Value of a flag by its names; undefined: it was not given. */
export type ReadFlag = (...names: string[]) => string | undefined;

/** Flags with a value. */
const WITH_VALUE: ReadonlySet<string> = new Set([
  ...["-c", "--config-path", "--mode", "--service-node", "--service-cluster", "--drain-time-s", "-l", "--log-level"],
  "--concurrency",
  // Envoy's, which change nothing here.
  ...["--base-id", "--restart-epoch", "--parent-shutdown-time-s", "--base-id-path", "--service-zone"],
  ...["--file-flush-interval-msec", "--file-flush-min-size-kb", "--socket-path", "--socket-mode"],
]);
/** Switches of Envoy's that change nothing here: there is no hot restart, and unknown fields are always refused. */
const SWITCHES: ReadonlySet<string> = new Set([
  ...["--use-dynamic-base-id", "--disable-hot-restart", "--skip-hot-restart-parent-stats", "--skip-deprecated-logs"],
  ...["--skip-hot-restart-on-no-parent", "--reject-unknown-dynamic-fields", "--cpuset-threads", "--enable-core-dump"],
]);

/** Errors: a sentence that names the first word that is no flag of `heddle proxy -c FILE`. */
export function checkStaticFlags(argv: readonly string[]): Result<void> {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? "";
    const [name = "", value] = word.split("=", 2);
    if (SWITCHES.has(name)) continue;
    if (!WITH_VALUE.has(name))
      return err(`${JSON.stringify(word)} is no flag of heddle proxy -c FILE; heddle proxy without flags lists them`);
    if (value !== undefined) continue;
    if (argv[++i] === undefined) return err(`${name} needs a value`);
  }
  return ok(undefined);
}

const MODES = ["serve", "validate"];
/** Source: Envoy `--drain-time-s`. Units: s. */
const DRAIN_S = 600;
/** As much as Envoy's own unsigned seconds hold. Units: s. */
const LONGEST_S = 4_294_967_295;

/** Errors: a sentence that names the flag and what it takes. */
export function readStaticFlags(flag: ReadFlag): Result<StaticFlags> {
  const mode = flag("--mode") ?? "serve";
  if (!MODES.includes(mode)) return err(`--mode is ${JSON.stringify(mode)}; use serve or validate`);
  const drain = flag("--drain-time-s");
  const seconds = drain === undefined ? DRAIN_S : Number(drain);
  if (drain?.trim() === "" || !Number.isInteger(seconds) || seconds < 0 || seconds > LONGEST_S)
    return err(`--drain-time-s is ${JSON.stringify(drain)}; use whole seconds, as in --drain-time-s 600`);
  return ok({ validateOnly: mode === "validate", drainMs: seconds * 1000 });
}
