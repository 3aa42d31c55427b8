import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "@bufbuild/protobuf";
import { type Clock, type ClockTimer, err, type Logger, ok, type Result } from "@heddle/std";
import type { FolderLayer, LayerState, Runtime } from "./runtime.ts";

/** Source: Envoy's `DiskLayer`. */
const MAX_DEPTH = 16;
/** A link to a folder above itself would have no end. */
const MAX_ENTRIES = 100_000;
/** Values are numbers and switches. Units: bytes. */
const MAX_FILE_BYTES = 1024 * 1024;
/** How often links are looked at. Units: ms. */
const POLL_MS = 500;

/** Where the values of a layer stand. */
export function folderPath({ root, below, appendsCluster }: FolderLayer, serviceCluster: string): string {
  return join(root, below, appendsCluster ? serviceCluster : "");
}

/** The values of a folder: a file's path is the key, its text the value. Undefined: there is no folder. Errors: a sentence. */
export function readFolder(path: string): Result<JsonObject | undefined> {
  const values: [string, string][] = [];
  let entries = 0;
  const walk = (folder: string, prefix: string, depth: number): string | undefined => {
    if (depth > MAX_DEPTH) return `${folder} lies more than ${MAX_DEPTH} folders deep`;
    for (const name of readdirSync(folder).sort()) {
      if (++entries > MAX_ENTRIES) return `there are more than ${MAX_ENTRIES} files and folders`;
      const file = join(folder, name);
      const stat = statSync(file, { throwIfNoEntry: false });
      const problem =
        stat?.isDirectory() === true
          ? walk(file, `${prefix}${name}.`, depth + 1)
          : stat?.isFile() === true && stat.size > MAX_FILE_BYTES
            ? `${file} has ${stat.size} bytes, more than ${MAX_FILE_BYTES}`
            : undefined;
      if (problem !== undefined) return problem;
      if (stat?.isFile() === true) values.push([`${prefix}${name}`, valueIn(readFileSync(file, "utf8"))]);
    }
    return undefined;
  };
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return ok(undefined);
    const problem = walk(path, "", 1);
    return problem === undefined ? ok(Object.fromEntries(values)) : err(problem);
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}

/** Lines that begin with # say something to people. */
function valueIn(text: string): string {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .join("\n")
    .trimEnd();
}

export interface FolderLayersDeps {
  readonly layers: readonly FolderLayer[];
  readonly serviceCluster: string;
  readonly log: Logger;
}

/** All folders as they are now; what can't be read is said in the log. */
export function readFolders({ layers, serviceCluster, log }: FolderLayersDeps): ReadonlyMap<string, LayerState> {
  return new Map(
    layers.map((layer) => {
      const path = folderPath(layer, serviceCluster);
      const read = readFolder(path);
      if (!read.ok)
        log.error("a folder of runtime values can't be used; the layer is empty", {
          layer: layer.name,
          folder: path,
          reason: read.error,
        });
      return [layer.name, read.ok ? { values: read.value, failed: false } : { values: undefined, failed: true }];
    }),
  );
}

/** Reads all folders again whenever the link of one leads elsewhere. Source: Envoy looks for a move onto `symlink_root` only. */
export function watchFolders(deps: FolderLayersDeps & { readonly clock: Clock; readonly runtime: Runtime }): {
  close(): void;
} {
  const { layers, clock, runtime, log } = deps;
  if (layers.length === 0) return { close() {} };
  const stamps = () => layers.map(({ root }) => stampOf(root)).join("\n");
  let seen = stamps();
  const timer: ClockTimer = clock.every(POLL_MS, () => {
    const now = stamps();
    if (now === seen) return;
    seen = now;
    runtime.setLayers(readFolders(deps));
    log.info("runtime values read again", { folders: layers.map(({ root }) => root) });
  });
  return { close: () => timer.cancel() };
}

function stampOf(path: string): string {
  try {
    const stat = lstatSync(path);
    return stat.isSymbolicLink() ? `${stat.ino}|${stat.mtimeMs}|${readlinkSync(path)}` : String(stat.ino);
  } catch {
    return "";
  }
}
