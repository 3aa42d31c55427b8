import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Check, Problem } from "./check.ts";
import { isTest, sourceFiles } from "./source-files.ts";

const FILE_NAMES = /(^|\/)(utils?|helpers?|common|types|managers?)\.tsx?$/;
const MARKERS = new RegExp(["TO" + "DO", "FIX" + "ME", "X" + "XX", "not implemen" + "ted"].join("|"));
const ANY = /(:\s*any\b|<any[,>]|\bas any\b)/;

/** No catch-all file names, no unfinished markers, no `any`, and a `hot path` file has its benchmark beside it. */
export const words: Check = {
  name: "words",
  async run(root) {
    const problems: Problem[] = [];
    for (const file of await sourceFiles(root, ["packages", "samples", "bench", "tools"])) {
      if (FILE_NAMES.test(file)) problems.push({ where: file, what: "name the file after its concept" });
      const lines = (await readFile(join(root, file), "utf8")).split("\n");
      lines.forEach((line, i) => {
        const code = line.replace(/"(?:[^"\\]|\\.)*"|`[^`]*`|\/[^/ ]+\/[gimsuy]*/g, '""');
        if (MARKERS.test(code))
          problems.push({
            where: `${file}:${i + 1}`,
            what: "unfinished work is written in the issue, not in the code",
          });
        if (!isTest(file) && ANY.test(code.replace(/\/\/.*|^\s*\*.*|\/\*\*.*/, ""))) {
          problems.push({ where: `${file}:${i + 1}`, what: "`any` hides a decoder that is missing" });
        }
      });
    }
    return problems;
  },
};
