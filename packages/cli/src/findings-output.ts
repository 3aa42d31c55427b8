import { type Finding, findingJson, findingText, type Level, levelNamed } from "@heddle/analysis";
import { stringify } from "yaml";
import { UsageError } from "./context.ts";

/** Exit codes of istioctl. */
export const USAGE = 64;
export const FOUND_ISSUES = 79;

export interface OutputFlags {
  readonly output: string;
  readonly color?: boolean | string;
}

const colours: Readonly<Record<Level, string>> = { Error: "31", Warning: "33", Info: "32" };

/** Errors: `UsageError` for a form that is not known. */
export function checkOutput({ output }: OutputFlags): void {
  if (!["log", "json", "yaml"].includes(output))
    throw new UsageError(`-o ${output}: expected log, json or yaml`, USAGE);
}

/** Findings as `istioctl analyze` prints them. @param terminal Colours are the default there. */
export function findingsOutput(findings: readonly Finding[], flags: OutputFlags, terminal: boolean): string {
  if (flags.output === "json") return `${JSON.stringify(findings.map(findingJson), null, "\t")}\n`;
  if (flags.output === "yaml") return stringify(findings.map(findingJson));
  const colour = flags.color === undefined ? terminal : String(flags.color) !== "false";
  const paint = (at: Level, text: string): string => (colour ? `\u001b[1;${colours[at]}m${text}\u001b[0m` : text);
  return findings.map((one) => `${findingText(one, paint)}\n`).join("");
}

/** Reads the value of a flag. Errors: `UsageError`. */
export function levelFlag(flag: string, text: string): Level {
  const found = levelNamed(text);
  if (found === undefined) throw new UsageError(`${flag} ${text}: expected Info, Warning or Error`, USAGE);
  return found;
}
