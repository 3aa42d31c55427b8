import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** An image of `images.json` as far as building it goes. */
export interface BuildableImage {
  readonly repository: string;
  readonly aliases: readonly string[];
  readonly entrypoint: readonly string[];
  /** Name on PATH → TypeScript entry relative to the repository. */
  readonly scripts: Readonly<Record<string, string>>;
  /** Name on PATH → program of this machine that is copied in. */
  readonly hostPrograms: readonly string[];
  /** Argument list of a container that names none. */
  readonly cmd: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

interface Entry {
  readonly repository: string;
  readonly aliases?: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd?: readonly string[];
  readonly programs: Readonly<Record<string, string | { readonly host: string }>>;
  readonly env?: Readonly<Record<string, string>>;
}

export async function buildableImages(root: string): Promise<readonly BuildableImage[]> {
  const entries: readonly Entry[] = JSON.parse(await readFile(join(root, "images.json"), "utf8"));
  return entries.map((e) => ({
    repository: e.repository,
    aliases: e.aliases ?? [],
    entrypoint: e.entrypoint,
    cmd: e.cmd ?? [],
    scripts: Object.fromEntries(
      Object.entries(e.programs).filter((p): p is [string, string] => typeof p[1] === "string"),
    ),
    hostPrograms: [
      ...Object.values(e.programs).flatMap((p) => (typeof p === "string" ? [] : [p.host])),
      ...(Object.keys(e.programs).length === 0 ? SHELL_PROGRAMS : []),
    ],
    env: e.env ?? {},
  }));
}

/** What an image without programs of its own stands for: a shell and the small programs that go with it. */
const SHELL_PROGRAMS = "sh cat date echo env false head hostname id kill ls mkdir rm sleep tail touch true wc".split(
  " ",
);
