import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";

const SKIPPED = new Set(["node_modules", "gen", "generated", "testdata", "fixtures", ".git", ".cache", "out"]);

/** All TypeScript files below `root`, as paths relative to it, sorted; generated and fixture folders left out. */
export async function sourceFiles(root: string, folders: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  const walk = async (dir: string): Promise<void> => {
    for (const entry of await readdir(dir, { withFileTypes: true })) {
      if (SKIPPED.has(entry.name)) continue;
      const path = join(dir, entry.name);
      if (entry.isDirectory()) await walk(path);
      else if (/\.tsx?$/.test(entry.name) && !entry.name.endsWith(".d.ts")) found.push(relative(root, path));
    }
  };
  for (const folder of folders) if (existsSync(join(root, folder))) await walk(join(root, folder));
  return found.sort();
}

export function isTest(path: string): boolean {
  return /\.(test|bench)\.tsx?$/.test(path) || /(^|\/)test\//.test(path);
}
