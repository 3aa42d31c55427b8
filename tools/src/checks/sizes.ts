import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Check, Problem } from "./check.ts";
import { isTest, sourceFiles } from "./source-files.ts";

const LONGEST = 600;
const NINETY_PERCENT = 330;
const MEDIAN = 120;

/** Hand-written files, tests left out: median ≤ 120 lines, 90 % under 330, none over 600. */
export const sizes: Check = {
  name: "file sizes",
  async run(root) {
    const files = (await sourceFiles(root, ["packages", "samples", "bench", "tools"])).filter((f) => !isTest(f));
    const counted: { file: string; lines: number }[] = [];
    for (const file of files) {
      const text = await readFile(join(root, file), "utf8");
      counted.push({ file, lines: text.split("\n").length - 1 });
    }
    counted.sort((a, b) => a.lines - b.lines);
    const problems: Problem[] = counted
      .filter((c) => c.lines > LONGEST)
      .map((c) => ({ where: c.file, what: `${c.lines} lines, the most is ${LONGEST}` }));
    const at = (share: number) => counted[Math.min(counted.length - 1, Math.floor(counted.length * share))]?.lines ?? 0;
    if (at(0.5) > MEDIAN)
      problems.push({ where: ".", what: `median file has ${at(0.5)} lines, the most is ${MEDIAN}` });
    if (at(0.9) > NINETY_PERCENT) {
      problems.push({
        where: ".",
        what: `90 % of the files are under ${at(0.9)} lines, the most is ${NINETY_PERCENT}`,
      });
    }
    return problems;
  },
};
