import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import type { VolumeFile } from "./volume-content.ts";

const DATA = "..data";

/**
 * Replaces all files of a directory at once: files live in a dated directory, `..data` points to it, and visible names point through
 * `..data`. Returns whether something changed. Source: Kubernetes `AtomicWriter`.
 */
export function writeAtomically(
  directory: string,
  files: ReadonlyMap<string, VolumeFile>,
  nowMs: number,
  group: number | undefined,
): boolean {
  mkdirSync(directory, { recursive: true });
  const before = currentTarget(directory);
  if (before !== undefined && isSame(path.join(directory, before), files, group)) return false;
  const stamp = new Date(nowMs).toISOString().slice(0, 19).replace("T", "-").replace(/-/g, "_").replace(/:/g, "_");
  const name = freeName(directory, `..${stamp}`);
  const fresh = path.join(directory, name);
  mkdirSync(fresh, { mode: 0o755 });
  for (const [file, { data, mode }] of files) {
    const target = path.join(fresh, file);
    mkdirSync(path.dirname(target), { recursive: true, mode: 0o755 });
    writeFileSync(target, data);
    chmodSync(target, effectiveMode(mode, group));
    if (group !== undefined) chownSync(target, 0, group);
  }
  symlinkSync(name, path.join(directory, `${DATA}_tmp`));
  renameSync(path.join(directory, `${DATA}_tmp`), path.join(directory, DATA));
  const visible = new Set([...files.keys()].map((file) => file.split("/")[0] ?? file));
  for (const entry of visible) {
    if (!exists(path.join(directory, entry))) symlinkSync(`${DATA}/${entry}`, path.join(directory, entry));
  }
  for (const entry of readdirSync(directory)) {
    const stale = entry.startsWith("..") ? entry !== DATA && entry !== name : !visible.has(entry);
    if (stale) rmSync(path.join(directory, entry), { recursive: true, force: true });
  }
  return true;
}

/** With a volume group the group may read what the owner may read. */
const effectiveMode = (mode: number, group: number | undefined): number =>
  group === undefined ? mode : mode | ((mode & 0o400) >> 3);

function exists(file: string): boolean {
  try {
    lstatSync(file);
    return true;
  } catch {
    return false;
  }
}

function currentTarget(directory: string): string | undefined {
  try {
    return readlinkSync(path.join(directory, DATA));
  } catch {
    return undefined;
  }
}

function freeName(directory: string, wanted: string): string {
  for (let suffix = 0; ; suffix++) {
    const name = `${wanted}.${suffix}`;
    if (!exists(path.join(directory, name))) return name;
  }
}

function isSame(directory: string, files: ReadonlyMap<string, VolumeFile>, group: number | undefined): boolean {
  const present = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  if (present.length !== files.size) return false;
  for (const [file, { data, mode }] of files) {
    const target = path.join(directory, file);
    if (!exists(target)) return false;
    if ((lstatSync(target).mode & 0o777) !== effectiveMode(mode, group)) return false;
    if (Buffer.compare(readFileSync(target), data) !== 0) return false;
  }
  return true;
}
