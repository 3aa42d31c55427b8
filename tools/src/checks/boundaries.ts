import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Check, Problem } from "./check.ts";
import { isTest, sourceFiles } from "./source-files.ts";

type EdgeTable = ReadonlyMap<string, ReadonlySet<string>>;

/** Reads the package table of ARCHITECTURE.md: name → packages that it may import. */
export function edgeTable(architecture: string): EdgeTable {
  const table = new Map<string, ReadonlySet<string>>();
  for (const line of architecture.split("\n")) {
    const row = /^\| `([a-z-]+)` \| .* \| ([^|]+) \|$/.exec(line);
    if (!row?.[1] || row[2] === undefined) continue;
    const allowed = row[2].trim() === "–" ? [] : row[2].split(",").map((s) => s.trim());
    table.set(row[1], new Set(["std", row[1], ...allowed]));
  }
  return table;
}

/** Imports of one file: package edges (`@heddle/x`), with deep imports kept as written. */
function heddleImports(source: string): string[] {
  const found = [...source.matchAll(/(?:from|import)\s*\(?\s*"(@heddle\/[^"]+)"/g)].map((m) => m[1] ?? "");
  return [...new Set(found)];
}

async function manifestProblems(root: string, name: string, table: EdgeTable): Promise<Problem[]> {
  const path = `packages/${name}/package.json`;
  const manifest: { dependencies?: Record<string, string> } = JSON.parse(await readFile(join(root, path), "utf8"));
  const allowed = table.get(name);
  if (!allowed) return [{ where: path, what: `package ${name} has no row in ARCHITECTURE.md` }];
  return Object.keys(manifest.dependencies ?? {})
    .filter((d) => d.startsWith("@heddle/") && !allowed.has(d.slice("@heddle/".length)))
    .map((d) => ({ where: path, what: `depends on ${d}, which ARCHITECTURE.md does not allow` }));
}

/** Whether a package's `exports` offer a subpath ("" is the package itself); patterns with `*` count. */
async function isExported(root: string, name: string, subpath: string): Promise<boolean> {
  const manifest: { exports?: Record<string, string> } = JSON.parse(
    await readFile(join(root, `packages/${name}/package.json`), "utf8"),
  );
  return Object.keys(manifest.exports ?? {}).some((key) => {
    const [before = "", after] = key.slice(1).split("*");
    return after === undefined ? before === subpath : subpath.startsWith(before) && subpath.endsWith(after);
  });
}

/** The import graph equals the table in ARCHITECTURE.md, no import reaches past a package's `exports`, none leaves its package by `../`. */
export const boundaries: Check = {
  name: "boundaries",
  async run(root) {
    const table = edgeTable(await readFile(join(root, "ARCHITECTURE.md"), "utf8"));
    if (table.size === 0) return [{ where: "ARCHITECTURE.md", what: "has no package table that can be read" }];
    const problems: Problem[] = [];
    const names = (await readdir(join(root, "packages"))).filter((n) =>
      existsSync(join(root, "packages", n, "package.json")),
    );
    for (const name of names) problems.push(...(await manifestProblems(root, name, table)));
    for (const file of await sourceFiles(root, ["packages"])) {
      const name = file.split("/")[1] ?? "";
      const source = await readFile(join(root, file), "utf8");
      for (const target of heddleImports(source)) {
        const [, to = "", ...rest] = target.split("/");
        if (!names.includes(to)) problems.push({ where: file, what: `imports ${target}, which is no package` });
        else if (!isTest(file) && !table.get(name)?.has(to))
          problems.push({ where: file, what: `${name} may not import ${to}` });
        else {
          const sub = rest.length ? `/${rest.join("/")}` : "";
          if (!(await isExported(root, to, sub))) problems.push({ where: file, what: `deep import ${target}` });
        }
      }
      const depth = file.split("/").length - 3;
      for (const m of source.matchAll(/from\s*"((?:\.\.\/)+)/g)) {
        if ((m[1] ?? "").length / 3 > depth)
          problems.push({ where: file, what: `relative import leaves package ${name}` });
      }
    }
    return problems;
  },
};
