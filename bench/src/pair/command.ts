import { formatComparison } from "../compare/format.ts";
import { benchCommand, onStage } from "../measure/command.ts";
import { comparePairs, type PairReport } from "./compare-pairs.ts";
import { PAIR_HELP, readPairOptions } from "./options.ts";

/** `npm run bench -- pair`. */
export const runPair = benchCommand({
  name: "pair",
  help: PAIR_HELP,
  readOptions: readPairOptions,
  run: (options) =>
    onStage(async (stage) => {
      const report = await comparePairs(options, { ...stage, progress: (line) => console.error(line) });
      console.log(formatPairReport(report));
      if (options.json) console.log(JSON.stringify(report));
      return 0;
    }),
});

/** The report for people. */
export function formatPairReport(report: PairReport): string {
  const facts = Object.entries({ ...report.versions, ...report.settings }).map(([name, value]) => `${name} ${value}`);
  const starts = Object.entries(report.startMs).map(([name, ms]) => `${name} ${ms} ms`);
  return [
    `${report.date}  ${report.machine}`,
    facts.join(", "),
    `start of both proxies: ${starts.join(", ")}`,
    "",
    formatComparison(report),
  ].join("\n");
}
