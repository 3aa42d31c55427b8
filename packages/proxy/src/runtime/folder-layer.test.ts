import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createManualClock, createNullLogger } from "@heddle/std";
import { readFolder, readFolders, watchFolders } from "./folder-layer.ts";
import { createRuntime } from "./runtime.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-folder-layer-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function make(name: string, files: Readonly<Record<string, string>>): string {
  const root = join(folder, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

test("paths are keys, texts are values, remarks are none", () => {
  const root = make("values", { a: "1\n", "b/c": "# said\ntrue", "b/d/e": "two\nlines \n\n", f: "" });
  expect(readFolder(root)).toEqual({ ok: true, value: { a: "1", "b.c": "true", "b.d.e": "two\nlines", f: "" } });
});

test("no folder is no layer; one that can't be used is said", () => {
  expect(readFolder(join(folder, "nowhere"))).toEqual({ ok: true, value: undefined });
  const file = make("file", { a: "1" });
  expect(readFolder(join(file, "a"))).toEqual({ ok: true, value: undefined });
  const round = make("round", { a: "1" });
  symlinkSync(round, join(round, "again"));
  expect(readFolder(round)).toMatchObject({ ok: false, error: expect.stringContaining("16 folders deep") });
  const big = make("big", { a: "x".repeat(1024 * 1024 + 1) });
  expect(readFolder(big)).toMatchObject({ ok: false, error: expect.stringContaining("1048577 bytes") });
  // A link to nothing is passed over.
  symlinkSync(join(folder, "nowhere"), join(file, "dangling"));
  expect(readFolder(file)).toEqual({ ok: true, value: { a: "1" } });
});

test("a link that is moved brings other values, which are counted", () => {
  const link = join(folder, "link");
  const point = (to: string) => {
    symlinkSync(to, `${link}.new`);
    renameSync(`${link}.new`, link);
  };
  point(make("one", { "in/k": "10", "in/own/k": "30" }));
  const settings = {
    layers: [
      { name: "base", values: undefined },
      { name: "over", values: undefined },
    ],
    adminLayer: undefined,
    folders: [
      { name: "base", root: link, below: "in", appendsCluster: false },
      { name: "over", root: link, below: "in", appendsCluster: true },
    ],
  };
  const deps = { layers: settings.folders, serviceCluster: "own", log: createNullLogger() };
  const runtime = createRuntime(settings, readFolders(deps));
  const clock = createManualClock();
  const watching = watchFolders({ ...deps, clock, runtime });
  const share = () => runtime.share({ key: "k", base: 1 });
  expect(share()).toBe(0.3);
  expect(runtime.counts).toMatchObject({ loadSuccess: 1, overrideDirExists: 1 });
  point(make("two", { "in/k": "20" }));
  clock.advance(600);
  expect(share()).toBe(0.2);
  expect(runtime.layers().map(({ name }) => name)).toEqual(["base"]);
  clock.advance(600);
  expect(runtime.counts).toMatchObject({ loadSuccess: 2, overrideDirNotExists: 1 });
  const broken = make("broken", { "in/k": "20" });
  symlinkSync(broken, join(broken, "in", "again"));
  point(broken);
  clock.advance(600);
  expect(share()).toBe(1);
  expect(runtime.counts.loadError).toBe(1);
  watching.close();
  point(join(folder, "one"));
  clock.advance(600);
  expect(share()).toBe(1);
});
