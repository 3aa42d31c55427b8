import { REFUSED_FLAGS, SILENT_FLAGS, STATIC_FLAGS } from "../static-flags.ts";

/** Envoy's command line, as `heddle proxy -c FILE` takes it. */
export function flagsSection(): string {
  const rows = (flags: typeof STATIC_FLAGS, state: string) =>
    Object.entries(flags).map(
      ([name, [value, help]]) =>
        `| \`${name}${value === undefined ? "" : ` ${value.replaceAll("|", "\\|")}`}\` | ${state} | ${help} |`,
    );
  return [
    "## Command line",
    "`heddle proxy -c FILE` takes the flags of `envoy`, and refuses what it does not know.",
    [
      "| flag | | |",
      "|---|---|---|",
      ...rows(STATIC_FLAGS, "supported"),
      ...rows(SILENT_FLAGS, "no effect"),
      ...rows(REFUSED_FLAGS, "**refused**"),
    ].join("\n"),
  ].join("\n\n");
}
