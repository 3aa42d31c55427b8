import { chmodSync, existsSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { ContainerBase } from "./base.ts";
import { resolveInRoot } from "./path-in-root.ts";
import type { Syscalls } from "./syscalls.ts";

/** A directory or file of the node that a container sees at `target`. */
export interface Bind {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface RootfsPlan {
  /** Where it is built; emptied first. */
  readonly directory: string;
  readonly base: ContainerBase;
  /** Generated files, by absolute path in the container. */
  readonly files: ReadonlyMap<string, string>;
  readonly binds: readonly Bind[];
  /** File of the node that takes the termination message. */
  readonly terminationLog: Bind;
  readonly workdir: string;
  readonly home: string;
  /** More of them, by absolute path in the container. */
  readonly folders: readonly string[];
  readonly readOnly: boolean;
}

const DIRECTORIES = ["etc", "root", "home", "proc", "mnt", "srv", "opt", "run/lock", "var/log", "var/cache", "var/lib"];
const STICKY = ["tmp", "var/tmp"];

/** Builds a container's root in the node's mount namespace; `unmount` gives it up again. Errors: throws with the failing path. */
export function buildRootfs(plan: RootfsPlan, syscalls: Syscalls): void {
  const root = plan.directory;
  syscalls.unmount(root);
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  syscalls.mountFs("tmpfs", root, "mode=0755");
  for (const name of DIRECTORIES) mkdirSync(path.join(root, name), { recursive: true });
  for (const name of STICKY) {
    mkdirSync(path.join(root, name), { recursive: true });
    chmodSync(path.join(root, name), 0o1777);
  }
  chmodSync(path.join(root, "root"), 0o700);
  symlinkSync("../run", path.join(root, "var/run"));
  for (const [name, target] of plan.base.links) symlinkSync(target, path.join(root, name));
  for (const [source, name] of plan.base.binds) {
    const target = path.join(root, name);
    mkdirSync(target, { recursive: true });
    syscalls.bind(source, target);
    if (name !== "dev" && name !== "sys") syscalls.readOnly(target, true);
  }
  for (const [name, content] of plan.files) {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  // Outer mounts first, so that an inner one is not hidden.
  const depth = (bind: Bind): number => bind.target.split("/").filter(Boolean).length;
  const binds = [...plan.binds].sort((a, b) => depth(a) - depth(b));
  for (const bind of [...binds, plan.terminationLog]) bindInto(root, bind, syscalls);
  for (const directory of [plan.workdir, plan.home, ...plan.folders]) makeDirectory(root, directory);
  if (plan.readOnly) syscalls.readOnly(root, false);
}

function bindInto(root: string, bind: Bind, syscalls: Syscalls): void {
  const target = resolveInRoot(root, bind.target);
  try {
    if (statSync(bind.source).isDirectory()) mkdirSync(target, { recursive: true });
    else if (!existsSync(target)) {
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, "");
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EROFS")) throw error;
    throw new Error(
      `cannot mount at ${bind.target}: the embedded cluster shares this machine's read-only /usr, where that path doesn't exist; mount it elsewhere, for example under /srv`,
    );
  }
  syscalls.bind(bind.source, target);
  if (bind.readOnly) syscalls.readOnly(target, true);
}

function makeDirectory(root: string, directory: string): void {
  try {
    mkdirSync(resolveInRoot(root, directory), { recursive: true });
  } catch {
    // Under a read-only bind; entering it fails with a message of its own.
  }
}
