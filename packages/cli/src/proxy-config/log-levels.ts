import { UsageError } from "../context.ts";

const LEVELS = ["trace", "debug", "info", "warning", "error", "critical", "off"] as const;
/** What a new sidecar has, see the injector. */
const DEFAULT_LEVEL = "warning";

/**
 * `--level debug` or `--level http:debug,pool:trace` as the query strings of the admin's `/logging`.
 * Errors: UsageError naming the level.
 */
export function loggingQueries(level: string | undefined, reset: boolean): readonly string[] {
  if (reset) return [`level=${DEFAULT_LEVEL}`];
  if (level === undefined) return [""];
  return level.split(",").map((part) => {
    const [first = "", second] = part.split(":", 2);
    const value = (second ?? first) === "none" ? "off" : (second ?? first);
    if (!LEVELS.some((l) => l === value) || first === "")
      throw new UsageError(
        `--level ${part}: expected <level> or <logger>:<level>, with a level of ${LEVELS.join(", ")} (or none)`,
      );
    return second === undefined ? `level=${value}` : `${encodeURIComponent(first)}=${value}`;
  });
}
