import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import type { CatalogueImage, HostPrograms } from "../../images/index.ts";
import { initScript } from "./init-script.ts";
import type { Syscalls } from "./syscalls.ts";

/** Where the repository, Bun and image programs appear in every container, readable for every user. */
export const IN_CONTAINER = "/opt/heddle";

/** What all containers of a node share: one tree of read-only binds, prepared once. */
export interface ContainerBase {
  prepare(): void;
  /** Makes the image's programs. Errors: a sentence for the user when a host program is missing. */
  install(image: CatalogueImage): InstalledImage;
  /** `[source, name at the container's root]` of what every container binds, in order. */
  readonly binds: readonly (readonly [string, string])[];
  /** Root-level symbolic links, `[name, target]`, such as `bin → usr/bin`. */
  readonly links: readonly (readonly [string, string])[];
  close(): void;
}

/** Where a container finds its image's programs. */
export interface ImagePrograms {
  readonly folder: string;
  /** `PATH`, that folder first. */
  readonly searchPath: string;
}

export type InstalledImage =
  | ({ readonly kind: "installed" } & ImagePrograms)
  | { readonly kind: "unavailable"; readonly message: string };

export interface BaseOptions {
  readonly directory: string;
  readonly repository: string;
  readonly bun: string;
}

const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const DEVICES = ["null", "zero", "full", "random", "urandom", "tty"];
/** Of the machine's /etc: needed by dynamic linking, TLS and time zones; nothing of it is private. */
const SHARED_ETC = [
  "ssl",
  "alternatives",
  "ld.so.cache",
  "ld.so.conf",
  "ld.so.conf.d",
  "localtime",
  "protocols",
  "services",
  "mime.types",
  "pki",
];

class SharedBase implements ContainerBase {
  readonly #options: BaseOptions;
  readonly #syscalls: Syscalls;
  readonly #hostPrograms: HostPrograms;
  readonly #hostBinds = new Set<string>();
  readonly #binds: (readonly [string, string])[] = [];
  readonly #links: (readonly [string, string])[] = [];

  constructor(options: BaseOptions, syscalls: Syscalls, hostPrograms: HostPrograms) {
    this.#options = options;
    this.#syscalls = syscalls;
    this.#hostPrograms = hostPrograms;
  }

  get binds() {
    return this.#binds;
  }

  get links() {
    return this.#links;
  }

  prepare(): void {
    const { directory } = this.#options;
    mkdirSync(directory, { recursive: true });
    this.#syscalls.unmount(directory);
    this.#syscalls.mountFs("tmpfs", directory, "mode=0755,size=64m");
    for (const name of ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"]) this.#systemDirectory(name);
    this.#devices();
    this.#tools();
    this.#binds.push([path.join(directory, "heddle"), IN_CONTAINER.slice(1)]);
    this.#binds.push([path.join(directory, "dev"), "dev"]);
    if (existsSync("/sys")) this.#bindDirectory("/sys", "sys");
  }

  #systemDirectory(name: string): void {
    const source = `/${name}`;
    if (!existsSync(source)) return;
    if (lstatSync(source).isSymbolicLink()) this.#links.push([name, readlinkSync(source).replace(/^\//, "")]);
    else this.#bindDirectory(source, name);
  }

  #bindDirectory(source: string, name: string): void {
    const target = path.join(this.#options.directory, name);
    mkdirSync(target);
    this.#syscalls.bind(source, target);
    this.#syscalls.readOnly(target, true);
    this.#binds.push([target, name]);
  }

  #devices(): void {
    const dev = path.join(this.#options.directory, "dev");
    for (const name of ["pts", "shm"]) mkdirSync(path.join(dev, name), { recursive: true });
    for (const name of DEVICES) this.#bindFile(`/dev/${name}`, path.join(dev, name));
    // The node's own terminals: `kubectl exec -it` opens one there and hands it in.
    this.#syscalls.bind("/dev/pts", path.join(dev, "pts"));
    symlinkSync("pts/ptmx", path.join(dev, "ptmx"));
    symlinkSync("/proc/self/fd", path.join(dev, "fd"));
    for (const [index, name] of ["stdin", "stdout", "stderr"].entries())
      symlinkSync(`/proc/self/fd/${index}`, path.join(dev, name));
    writeFileSync(path.join(dev, "termination-log"), "");
  }

  #bindFile(source: string, target: string): void {
    writeFileSync(target, "");
    this.#syscalls.bind(source, target);
  }

  #tools(): void {
    const root = path.join(this.#options.directory, "heddle");
    for (const name of ["repo", "etc", "images", "host"]) mkdirSync(path.join(root, name), { recursive: true });
    this.#syscalls.bind(this.#options.repository, path.join(root, "repo"));
    this.#bindFile(this.#options.bun, path.join(root, "bun"));
    writeExecutable(path.join(root, "init"), initScript);
    for (const name of SHARED_ETC) {
      const source = `/etc/${name}`;
      if (!existsSync(source)) continue;
      const target = path.join(root, "etc", name);
      if (!statSync(source).isDirectory()) this.#bindFile(source, target);
      else {
        mkdirSync(target);
        this.#syscalls.bind(source, target);
      }
      this.#links.push([`etc/${name}`, `..${IN_CONTAINER}/etc/${name}`]);
    }
  }

  install(image: CatalogueImage): InstalledImage {
    const slug = image.repository.replace(/[^a-zA-Z0-9.-]+/g, "_");
    const directory = path.join(this.#options.directory, "heddle", "images", slug);
    mkdirSync(directory, { recursive: true });
    for (const [name, program] of Object.entries(image.programs)) {
      const file = path.join(directory, name);
      if (program.kind === "script") {
        if (!existsSync(path.join(this.#options.repository, program.entry))) {
          return {
            kind: "unavailable",
            message: `image ${image.repository}: program "${name}" is ${program.entry}, which this clone doesn't have; check images.json`,
          };
        }
        putExecutable(file, `#!/bin/sh\nexec ${IN_CONTAINER}/bun ${IN_CONTAINER}/repo/${program.entry} "$@"\n`);
        continue;
      }
      const host = this.#hostPrograms.find(program.program);
      if (host === undefined) {
        const remedy = program.install === undefined ? "install it" : `get it with: ${program.install}`;
        return {
          kind: "unavailable",
          message: `image ${image.repository} needs the program "${program.program}", which this machine doesn't have; ${remedy}${program.program === "envoy" ? ", or name the binary in HEDDLE_ENVOY, then start the cluster again" : ""}`,
        };
      }
      putLink(file, this.#visible(host, program.program));
    }
    const folder = `${IN_CONTAINER}/images/${slug}`;
    return { kind: "installed", folder, searchPath: `${folder}:${SYSTEM_PATH}` };
  }

  /** The path by which containers see a program of the host. */
  #visible(host: string, name: string): string {
    if (host.startsWith("/usr/")) return host;
    const target = path.join(this.#options.directory, "heddle", "host", name);
    if (!this.#hostBinds.has(target)) {
      this.#bindFile(host, target);
      this.#hostBinds.add(target);
    }
    return `${IN_CONTAINER}/host/${name}`;
  }

  close(): void {
    this.#syscalls.unmount(this.#options.directory);
  }
}

function writeExecutable(file: string, content: string): void {
  writeFileSync(file, content);
  chmodSync(file, 0o755);
}

export function createContainerBase(
  options: BaseOptions,
  syscalls: Syscalls,
  hostPrograms: HostPrograms,
): ContainerBase {
  return new SharedBase(options, syscalls, hostPrograms);
}

/** Other containers may be starting this very file: it is never open for writing under its name, and never missing. */
function putExecutable(file: string, content: string): void {
  if (existsSync(file) && readFileSync(file, "utf8") === content) return;
  writeExecutable(`${file}.new`, content);
  renameSync(`${file}.new`, file);
}

function putLink(file: string, target: string): void {
  if (lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() && readlinkSync(file) === target) return;
  rmSync(`${file}.new`, { force: true });
  symlinkSync(target, `${file}.new`);
  renameSync(`${file}.new`, file);
}
