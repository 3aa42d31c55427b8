import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { BUNDLE_FOLDER, type BundledFile, CURRENT, describeFile, type StoredBundle } from "./stored-bundle.ts";

const ENTRY = "packages/proxy/src/main.ts";
/** Decide which files a name means. */
const RESOLUTION = ["package-lock.json", "packages/proxy/package.json", "tsconfig.json"];
/** A builder that has not finished by then was killed. Units: ms. */
const LOCK_MS = 60_000;
/** Running proxies load parts of their bundle late, so one that was replaced stays for a while. Units: ms. */
const KEEP_MS = 24 * 3_600_000;

/**
 * Writes the proxy as a bundle below `root` and makes it the one in use. Several may try at once: one builds, the others leave it to that one.
 * Nothing that is read is ever half written: folders and the description get their names when they are complete.
 * Gives why there is none, or undefined. Errors: throws what the file system says.
 */
export function buildBundle(root: string, bun: string): string | undefined {
  const folder = join(root, BUNDLE_FOLDER);
  mkdirSync(folder, { recursive: true });
  const lock = join(folder, "building");
  if (!takeLock(lock)) return "another process is building it";
  const work = join(folder, `work-${process.pid}`);
  try {
    const beganMs = Date.now();
    const meta = join(work, "meta.json");
    mkdirSync(work);
    const output = ["--target=bun", "--splitting", "--minify-syntax", "--minify-whitespace", "--entry-naming=main.js"];
    const done = spawnSync(bun, ["build", ENTRY, ...output, `--outdir=${join(work, "out")}`, `--metafile=${meta}`], {
      cwd: root,
      encoding: "utf8",
    });
    if (done.status !== 0) return `the bundler failed: ${done.stderr}`;
    const files = describeInputs(root, meta);
    if (files === undefined || files.some(([, , changedMs]) => changedMs >= beganMs))
      return "the sources changed while it was built";
    const name = hashOf(join(work, "out"));
    if (!existsSync(join(folder, name))) renameSync(join(work, "out"), join(folder, name));
    const stored: StoredBundle = { bun: Bun.version, folder: name, files };
    writeFileSync(join(work, CURRENT), JSON.stringify(stored));
    renameSync(join(work, CURRENT), join(folder, CURRENT));
    forgetOld(folder, name);
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
    rmdirSync(lock);
  }
}

function takeLock(lock: string): boolean {
  const held = statSync(lock, { throwIfNoEntry: false });
  if (held !== undefined && Date.now() - held.mtimeMs > LOCK_MS) rmSync(lock, { recursive: true, force: true });
  try {
    mkdirSync(lock);
    return true;
  } catch {
    return false;
  }
}

function describeInputs(root: string, meta: string): readonly BundledFile[] | undefined {
  const { inputs }: { inputs: Readonly<Record<string, unknown>> } = JSON.parse(readFileSync(meta, "utf8"));
  const files: BundledFile[] = [];
  for (const path of [...RESOLUTION, ...Object.keys(inputs)]) {
    const file = describeFile(root, path);
    if (file !== undefined) files.push(file);
    // What has no file is the runtime's own.
    else if (!path.includes(":")) return undefined;
  }
  return files;
}

function hashOf(folder: string): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(folder).sort()) hash.update(`${name}\n`).update(readFileSync(join(folder, name)));
  return hash.digest("hex").slice(0, 16);
}

function forgetOld(folder: string, current: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (/^[0-9a-f]{16}$/.test(name) && name !== current && Date.now() - statSync(path).mtimeMs > KEEP_MS)
      rmSync(path, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const problem = buildBundle(process.argv[2] ?? ".", process.execPath);
  if (problem !== undefined) console.error(problem);
  process.exitCode = problem === undefined ? 0 : 1;
}
