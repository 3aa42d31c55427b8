import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** A file that went into a bundle, as it was then: path in the clone, bytes, time of its last change (ms). */
export type BundledFile = readonly [path: string, bytes: number, changedMs: number];

/** What `current.json` says about the bundle in use. */
export interface StoredBundle {
  readonly bun: string;
  /** Folder beside this file; its name is the hash of what is in it. */
  readonly folder: string;
  readonly files: readonly BundledFile[];
}

/** Below the clone. Not in version control. */
export const BUNDLE_FOLDER = "node_modules/.cache/heddle-proxy";
/** Name of the description within. */
export const CURRENT = "current.json";

/** What a file is now; undefined: it is gone. */
export function describeFile(root: string, path: string): BundledFile | undefined {
  const found = statSync(join(root, path), { throwIfNoEntry: false });
  return found === undefined ? undefined : [path, found.size, found.mtimeMs];
}

/**
 * The bundle of the proxy, when there is one of the sources as they are now: size and time of every file that went in are compared, which takes
 * 3 ms. Gives the path of its module, or undefined; a damaged or foreign description is the same as none.
 */
export function freshBundle(root: string): string | undefined {
  try {
    const stored: StoredBundle = JSON.parse(readFileSync(join(root, BUNDLE_FOLDER, CURRENT), "utf8"));
    if (stored.bun !== Bun.version || !/^[0-9a-f]{16}$/.test(stored.folder) || stored.files.length === 0)
      return undefined;
    for (const [path, bytes, changedMs] of stored.files) {
      const now = describeFile(root, path);
      if (now === undefined || now[1] !== bytes || now[2] !== changedMs) return undefined;
    }
    const main = join(root, BUNDLE_FOLDER, stored.folder, "main.js");
    return statSync(main, { throwIfNoEntry: false }) === undefined ? undefined : main;
  } catch {
    return undefined;
  }
}
