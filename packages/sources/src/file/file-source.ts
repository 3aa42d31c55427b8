import { type FSWatcher, readdirSync, readFileSync, statSync, watch } from "node:fs";
import { join } from "node:path";
import { type KubeObject, refKey, refOf, refText } from "@heddle/config";
import type { Clock, ClockTimer } from "@heddle/std";
import type { Source, SourceSink } from "../source.ts";
import { createObjectTable, type ObjectTable } from "../table.ts";
import { readObjects } from "./read-objects.ts";

export interface FileSourceOptions {
  /** A folder of `.yaml`, `.yml` and `.json` files (sub-folders too), or one file. */
  readonly path: string;
  readonly clock: Clock;
  /** For objects without one. Default: `default`. */
  readonly namespace?: string;
  /** Units: ms. Default: 100. Editors and `git pull` write in bursts. */
  readonly quietMs?: number;
  /** Look again at least this often, where the file system tells nothing (network mounts). Units: ms. Default: 5000. */
  readonly pollMs?: number;
}

/** Reads objects from files and follows their changes. A file that becomes unreadable or invalid keeps its last good objects. */
class FileSource implements Source {
  readonly name = "file";
  readonly #options: FileSourceOptions;
  readonly #table: ObjectTable = createObjectTable();
  /** By path: the content last read, its good objects and the problems told. */
  readonly #files = new Map<string, { text: string; objects: readonly KubeObject[] }>();
  readonly #told = new Set<string>();
  #sink: SourceSink | undefined;
  #watcher: FSWatcher | undefined;
  #quiet: ClockTimer | undefined;
  #poll: ClockTimer | undefined;

  constructor(options: FileSourceOptions) {
    this.#options = options;
  }

  start(sink: SourceSink): void {
    if (this.#sink !== undefined) return;
    this.#sink = sink;
    const { clock, path, pollMs = 5000 } = this.#options;
    try {
      this.#watcher = watch(path, { recursive: true }, () => this.#changed());
      this.#watcher.on("error", () => this.#watcher?.close());
    } catch {
      // Not there yet, or not watchable: polling finds it.
    }
    this.#poll = clock.every(pollMs, () => this.#scan());
    this.#scan();
    sink.onSynced();
  }

  close(): void {
    this.#watcher?.close();
    this.#quiet?.cancel();
    this.#poll?.cancel();
    this.#sink = undefined;
  }

  #changed(): void {
    this.#quiet?.cancel();
    this.#quiet = this.#options.clock.after(this.#options.quietMs ?? 100, () => this.#scan());
  }

  #scan(): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    const problems = new Set<string>();
    const paths = this.#list(problems);
    for (const path of paths) this.#read(path, problems);
    // Files that are gone take their objects with them; a folder that cannot be listed takes nothing.
    if (paths.length > 0 || problems.size === 0) {
      for (const path of [...this.#files.keys()]) if (!paths.includes(path)) this.#files.delete(path);
    }
    const owners = new Map<string, string>();
    const objects: KubeObject[] = [];
    for (const [path, file] of [...this.#files].sort((a, b) => (a[0] < b[0] ? -1 : 1))) {
      for (const object of file.objects) {
        const key = refKey(refOf(object));
        const owner = owners.get(key);
        if (owner !== undefined)
          problems.add(`${path}: ${refText(refOf(object))} is defined in ${owner} too; that one counts`);
        else objects.push(object);
        owners.set(key, owner ?? path);
      }
    }
    this.#table.replace(objects, sink);
    for (const reason of problems) if (!this.#told.has(reason)) sink.onProblem({ source: this.name, reason });
    this.#told.clear();
    for (const reason of problems) this.#told.add(reason);
  }

  #list(problems: Set<string>): readonly string[] {
    const { path } = this.#options;
    try {
      if (!statSync(path).isDirectory()) return [path];
      return readdirSync(path, { recursive: true, encoding: "utf8" })
        .filter((name) => /\.(ya?ml|json)$/.test(name) && !name.split("/").some((part) => part.startsWith(".")))
        .sort()
        .map((name) => join(path, name));
    } catch (error) {
      problems.add(`${path} cannot be read (${reasonOf(error)}); create it or correct the path`);
      return [];
    }
  }

  #read(path: string, problems: Set<string>): void {
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch (error) {
      problems.add(`${path} cannot be read (${reasonOf(error)}); its last good content stays in force`);
      return;
    }
    const before = this.#files.get(path);
    if (before?.text === text) return;
    const read = readObjects(text, this.#options.namespace ?? "default");
    for (const problem of read.problems)
      problems.add(`${path}: ${problem}${before ? "; the last good content stays in force" : ""}`);
    // The text is kept only when it was good, so that the problem is found again by the next look.
    if (read.problems.length === 0) this.#files.set(path, { text, objects: read.objects });
    else if (before === undefined) this.#files.set(path, { text: "", objects: read.objects });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

export function createFileSource(options: FileSourceOptions): Source {
  return new FileSource(options);
}
