import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import manifest from "../../../package.json" with { type: "json" };
import { findEnvoy } from "../prerequisites.ts";
import { makeLayer, writeArchive } from "./archive.ts";
import { type BuildableImage, buildableImages } from "./catalogue.ts";
import { baseRootfs, copyProgram, dashboardRootfs, scriptsRootfs } from "./rootfs.ts";

const root = join(import.meta.dir, "../../..");

/** Tag of an image: ours carry the version, the samples the tag of the published manifest, the machine's programs just 1. */
function tagOf(image: BuildableImage): string {
  if (image.repository.includes("emojivoto")) return "v11";
  return Object.keys(image.scripts).length > 0 ? manifest.version : "1";
}

/** Copies programs of this machine into an image. Gives the reason when one cannot be had. */
async function copyHostPrograms(programs: readonly string[], folder: string): Promise<string | undefined> {
  for (const program of programs) {
    const found = program === "envoy" ? await findEnvoy(process.env) : { path: Bun.which(program) ?? "" };
    if ("missing" in found) return found.missing;
    if (!found.path) return `no ${program} on PATH`;
    await copyProgram(found.path, program === "sh" ? "/bin/sh" : `/usr/local/bin/${program}`, folder);
  }
  return undefined;
}

/**
 * `bin/bun tools/src/images/main.ts OUT [REPOSITORY-PART…]`: writes one image archive per catalogue entry, without docker: programs of this
 * repository as bundles, programs of the machine as copies. Import with `ctr -n k8s.io images import`, `docker load` or `podman load`. Prints what it wrote.
 */
async function main([out, ...only]: readonly string[]): Promise<number> {
  if (!out) {
    console.error("usage: bin/bun tools/src/images/main.ts OUT-FOLDER [part of a repository name …]");
    return 2;
  }
  await mkdir(out, { recursive: true });
  const work = await mkdtemp(join(tmpdir(), "heddle-images-"));
  try {
    await baseRootfs(join(work, "base"));
    const base = await makeLayer(join(work, "base"), join(work, "base.tar"));
    for (const image of await buildableImages(root)) {
      if (only.length && !only.some((o) => image.repository.includes(o))) continue;
      const name = basename(image.repository);
      const folder = join(work, name);
      await scriptsRootfs(root, image.scripts, folder);
      if ("heddle" in image.scripts) await dashboardRootfs(root, "heddle", folder);
      const missing = await copyHostPrograms(image.hostPrograms, folder);
      if (missing) {
        console.error(`skipped ${image.repository}: ${missing}`);
        continue;
      }
      const layer = await makeLayer(folder, join(work, `${name}.tar`));
      const names = [image.repository, ...image.aliases].map((r) => `${withRegistry(r)}:${tagOf(image)}`);
      const path = join(out, `${name}.tar`);
      await writeArchive(
        { names, layers: [base, layer], entrypoint: image.entrypoint, cmd: image.cmd, env: image.env },
        path,
        join(work, "scratch"),
      );
      console.log(`${path}  ${names[0]}`);
    }
    return 0;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** containerd knows only full names: a name without a registry means Docker's library. */
function withRegistry(repository: string): string {
  return /^[^/]+[.:][^/]*\//.test(repository)
    ? repository
    : `docker.io/${repository.includes("/") ? "" : "library/"}${repository}`;
}

process.exit(await main(process.argv.slice(2)));
