import { accessSync, constants, lstatSync, readlinkSync, statSync } from "node:fs";
import path from "node:path";

/** Where `inside` leads when `root` is `/`: symbolic links, absolute ones too, stay inside. Missing parts are kept as they are. */
export function resolveInRoot(root: string, inside: string): string {
  let pending = inside.split("/").filter((part) => part !== "" && part !== ".");
  let resolved = "/";
  for (let links = 0; pending.length > 0; ) {
    const [part = "", ...rest] = pending;
    pending = rest;
    if (part === "..") {
      resolved = path.dirname(resolved);
      continue;
    }
    const next = path.join(resolved, part);
    const link = readLink(path.join(root, next));
    if (link === undefined) {
      resolved = next;
      continue;
    }
    // The kernel's limit; a loop ends here and shows up as a missing file.
    if (++links > 40) return path.join(root, next);
    if (link.startsWith("/")) resolved = "/";
    pending = [...link.split("/").filter((entry) => entry !== "" && entry !== "."), ...pending];
  }
  return path.join(root, resolved);
}

function readLink(file: string): string | undefined {
  try {
    return lstatSync(file).isSymbolicLink() ? readlinkSync(file) : undefined;
  } catch {
    return undefined;
  }
}

export type ProgramLookup =
  /** `program`: what to run; where the image's own folder for programs differs from ours, not what was asked for. */
  { readonly kind: "found"; readonly program: string } | { readonly kind: "missing"; readonly reason: string };

/**
 * Looks for `program` as exec would inside the container. A path that is not there, such as `/usr/bin/fortio`, stands for the program of that
 * name among the image's own, which are in the folder `imagePrograms` here. Errors: the reason in the words of container runtimes.
 */
export function findProgram(
  root: string,
  program: string,
  searchPath: string,
  workdir: string,
  imagePrograms: string,
): ProgramLookup {
  const candidates = program.includes("/")
    ? [path.resolve(workdir, program)]
    : searchPath.split(":").map((directory) => path.join(directory || workdir, program));
  const found = candidates.map((candidate) => lookAt(root, candidate));
  if (found.includes("runnable")) return { kind: "found", program };
  if (found.includes("denied")) return { kind: "missing", reason: `exec: "${program}": permission denied` };
  if (!program.includes("/"))
    return { kind: "missing", reason: `exec: "${program}": executable file not found in $PATH` };
  const own = path.join(imagePrograms, path.basename(program));
  if (program.startsWith("/") && lookAt(root, own) === "runnable") return { kind: "found", program: own };
  return { kind: "missing", reason: `exec: "${program}": stat ${program}: no such file or directory` };
}

function lookAt(root: string, candidate: string): "runnable" | "denied" | "absent" {
  const file = resolveInRoot(root, candidate);
  try {
    if (!statSync(file).isFile()) return "absent";
    accessSync(file, constants.X_OK);
    return "runnable";
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EACCES" ? "denied" : "absent";
  }
}
