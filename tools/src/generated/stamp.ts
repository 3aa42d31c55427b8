import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A folder of generated files and what they are generated from. */
export interface GeneratedFolder {
  /** Files and folders that decide the output; the generator names the versions of its tools and protos. */
  readonly inputs: readonly string[];
  readonly output: string;
}

export const envoyMessages: GeneratedFolder = {
  inputs: ["packages/xds-api/generate.ts", "packages/xds-api/proto"],
  output: "packages/xds-api/src/gen",
};

/** Hashes of both sides at the time of generation; kept inside the output. */
export interface Stamp {
  readonly inputs: string;
  readonly output: string;
}

const stampFile = "stamp.json";

/** The stamp that the tree has now. */
export async function currentStamp(root: string, folder: GeneratedFolder): Promise<Stamp> {
  return { inputs: await hashOf(root, folder.inputs), output: await hashOf(root, [folder.output]) };
}

/** The stamp of the last generation; undefined when there is none. */
export async function storedStamp(root: string, folder: GeneratedFolder): Promise<Stamp | undefined> {
  const path = join(root, folder.output, stampFile);
  return existsSync(path) ? (JSON.parse(await readFile(path, "utf8")) as Stamp) : undefined;
}

export async function writeStamp(root: string, folder: GeneratedFolder): Promise<void> {
  const stamp = await currentStamp(root, folder);
  await writeFile(join(root, folder.output, stampFile), `${JSON.stringify(stamp, null, 2)}\n`);
}

async function hashOf(root: string, paths: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const path of paths) {
    for (const file of await filesBelow(root, path)) {
      hash.update(`${file}\n`);
      hash.update(await readFile(join(root, file)));
    }
  }
  return hash.digest("hex");
}

async function filesBelow(root: string, path: string): Promise<readonly string[]> {
  const entries = await readdir(join(root, path), { recursive: true, withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return [path];
  return entries
    .filter((entry) => entry.isFile() && entry.name !== stampFile)
    .map((entry) => join(path, join(entry.parentPath, entry.name).slice(join(root, path).length)))
    .sort();
}
