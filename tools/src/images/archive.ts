import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "../checks/run-command.ts";

export interface Layer {
  /** A tar file. */
  readonly path: string;
  /** `sha256:…` of the tar. */
  readonly digest: string;
}

/** Packs a folder as a layer, owned by root, with fixed times and order: the same content gives the same digest. */
export async function makeLayer(folder: string, path: string): Promise<Layer> {
  const { code, output } = await runCommand(
    ["tar", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "-cf", path, "-C", folder, "."],
    folder,
  );
  if (code !== 0) throw new Error(`tar ${folder}: ${output}`);
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return { path, digest: `sha256:${hash.digest("hex")}` };
}

export interface ImageSpec {
  readonly names: readonly string[];
  readonly layers: readonly Layer[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Writes a `docker save` archive, which containerd, docker and podman import. Source: Docker image specification v1.2. */
export async function writeArchive(spec: ImageSpec, path: string, scratch: string): Promise<void> {
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true });
  const config = JSON.stringify({
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    os: "linux",
    config: {
      Entrypoint: spec.entrypoint,
      Cmd: spec.cmd,
      Env: ["PATH=/usr/local/bin:/usr/bin:/bin", ...Object.entries(spec.env).map(([k, v]) => `${k}=${v}`)],
      WorkingDir: "/",
    },
    rootfs: { type: "layers", diff_ids: spec.layers.map((l) => l.digest) },
  });
  const configName = `${createHash("sha256").update(config).digest("hex")}.json`;
  await writeFile(join(scratch, configName), config);
  const layers: string[] = [];
  for (const layer of spec.layers) {
    const name = `${layer.digest.slice("sha256:".length)}.tar`;
    await cp(layer.path, join(scratch, name));
    layers.push(name);
  }
  await writeFile(
    join(scratch, "manifest.json"),
    JSON.stringify([{ Config: configName, RepoTags: spec.names, Layers: layers }]),
  );
  const { code, output } = await runCommand(
    ["tar", "-cf", path, "-C", scratch, "manifest.json", configName, ...layers],
    scratch,
  );
  if (code !== 0) throw new Error(`tar ${path}: ${output}`);
  await rm(scratch, { recursive: true, force: true });
}
