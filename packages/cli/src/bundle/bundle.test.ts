import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildBundle } from "./build-bundle.ts";
import { BUNDLE_FOLDER, CURRENT, freshBundle } from "./stored-bundle.ts";

const root = mkdtempSync(join(tmpdir(), "heddle-bundle-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const source = join(root, "packages/proxy/src");
const LONG_AGO = new Date(Date.now() - 60_000);

function write(path: string, text: string): void {
  writeFileSync(path, text);
  utimesSync(path, LONG_AGO, LONG_AGO);
}

mkdirSync(source, { recursive: true });
for (const name of ["package-lock.json", "packages/proxy/package.json", "tsconfig.json"]) write(join(root, name), "{}");
write(join(source, "answer.ts"), "export const answer: number = 1;\n");
write(join(source, "main.ts"), 'import { answer } from "./answer.ts";\nexport const main = async () => answer;\n');

async function run(path: string | undefined): Promise<unknown> {
  return path === undefined ? undefined : (await import(path)).main();
}

test("a bundle is used as long as the sources are those that it was built from", async () => {
  expect(freshBundle(root)).toBeUndefined();
  expect(buildBundle(root, process.execPath)).toBeUndefined();
  const first = freshBundle(root);
  expect(await run(first)).toBe(1);
  writeFileSync(join(source, "answer.ts"), "export const answer: number = 22;\n");
  expect(freshBundle(root)).toBeUndefined();
  // Only just written: it may have been read before or after.
  utimesSync(join(source, "answer.ts"), new Date(Date.now() + 60_000), new Date(Date.now() + 60_000));
  expect(buildBundle(root, process.execPath)).toContain("changed while");
  utimesSync(join(source, "answer.ts"), LONG_AGO, LONG_AGO);
  expect(buildBundle(root, process.execPath)).toBeUndefined();
  expect(await run(freshBundle(root))).toBe(22);
  // Nothing is left of the building, and who still runs the first one keeps it.
  expect(readdirSync(join(root, BUNDLE_FOLDER)).filter((name) => !/^[0-9a-f]{16}$/.test(name))).toEqual([CURRENT]);
  expect(readdirSync(join(root, BUNDLE_FOLDER))).toHaveLength(3);
});

test("one builds at a time; sources that don't build, and damaged descriptions, mean: no bundle", () => {
  mkdirSync(join(root, BUNDLE_FOLDER, "building"));
  expect(buildBundle(root, process.execPath)).toContain("another process");
  utimesSync(join(root, BUNDLE_FOLDER, "building"), new Date(0), new Date(0));
  write(join(source, "main.ts"), "export const main = (;\n");
  expect(buildBundle(root, process.execPath)).toContain("the bundler failed");
  expect(freshBundle(root)).toBeUndefined();
  const current = join(root, BUNDLE_FOLDER, CURRENT);
  const stored = readFileSync(current, "utf8");
  for (const text of ["", "{}", "null", stored.replace(/"folder":"[0-9a-f]+"/, '"folder":"../../etc"')]) {
    writeFileSync(current, text);
    expect(freshBundle(root)).toBeUndefined();
  }
});
