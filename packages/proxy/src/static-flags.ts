import { err, ok, type Result } from "@heddle/std";

/** What the flags of `heddle proxy -c FILE` ask for. */
export interface StaticFlags {
  /** Check the file and end. */
  readonly validateOnly: boolean;
  readonly drainMs: number;
}

/** Value of a flag by its names; undefined: it was not given. */
export type ReadFlag = (...names: string[]) => string | undefined;

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
