import { chmodSync, chownSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Clock, ClockTimer } from "@heddle/std";
import { ApiError, type ClusterApi, type KubeObject } from "../../contract/index.ts";
import { divideQuantity } from "../../quantity.ts";
import type { PodFacts } from "../container/pod-fields.ts";
import type { Syscalls } from "../host/syscalls.ts";
import type { PodSpec } from "../spec/pod-spec.ts";
import type { FileSource, VolumeSpec } from "../spec/volume-spec.ts";
import { writeAtomically } from "./atomic-directory.ts";
import type { TokenSource } from "./token-source.ts";
import { volumeContent } from "./volume-content.ts";

/** The volumes of one pod. */
export interface PodVolumes {
  /** Makes all of them. Errors: rejects with `VolumeError`, to be tried again. */
  setUp(): Promise<void>;
  /** Directory or file of the node behind a volume. */
  pathOf(volume: string): string | undefined;
  /** Writes files again whose sources have changed; a source that is gone leaves the files as they are. */
  refresh(): Promise<void>;
  /** Whether a volume is made of this object. */
  uses(kind: "configMap" | "secret", name: string): boolean;
  /** Whether a volume shows fields of the pod, which may change. */
  readonly showsPod: boolean;
  tearDown(): void;
}

export class VolumeError extends Error {
  readonly volume: string;
  constructor(volume: string, message: string) {
    super(message);
    this.name = "VolumeError";
    this.volume = volume;
  }
}

export interface PodVolumesDeps {
  readonly api: ClusterApi;
  readonly syscalls: Syscalls;
  readonly clock: Clock;
  readonly tokens: TokenSource;
  readonly namespace: string;
  readonly spec: PodSpec;
  /** Current, as labels and annotations may change. */
  readonly facts: () => PodFacts;
  /** For data that pods write. */
  readonly directory: string;
  /** In memory: Secrets and tokens never touch a disk. */
  readonly memoryDirectory: string;
  readonly onError: (error: VolumeError) => void;
}

class Volumes implements PodVolumes {
  readonly #deps: PodVolumesDeps;
  readonly #paths = new Map<string, string>();
  readonly #mounted: string[] = [];
  #refreshTimer: ClockTimer | undefined;
  #closed = false;

  constructor(deps: PodVolumesDeps) {
    this.#deps = deps;
  }

  pathOf(volume: string): string | undefined {
    return this.#paths.get(volume);
  }

  uses(kind: "configMap" | "secret", name: string): boolean {
    return this.#fileSources().some((source) => source.kind === kind && source.name === name);
  }

  get showsPod(): boolean {
    return this.#fileSources().some((source) => source.kind === "downwardAPI");
  }

  #fileSources(): readonly FileSource[] {
    return this.#deps.spec.volumes.flatMap(({ source }) => (source.kind === "files" ? source.sources : []));
  }

  async setUp(): Promise<void> {
    for (const volume of this.#deps.spec.volumes) {
      try {
        this.#paths.set(volume.name, await this.#make(volume));
      } catch (error) {
        if (error instanceof VolumeError) throw error;
        throw new VolumeError(volume.name, error instanceof Error ? error.message : String(error));
      }
    }
  }

  async refresh(): Promise<void> {
    if (this.#closed) return;
    for (const volume of this.#deps.spec.volumes) {
      if (volume.source.kind !== "files") continue;
      try {
        await this.#make(volume);
      } catch (error) {
        this.#deps.onError(new VolumeError(volume.name, error instanceof Error ? error.message : String(error)));
      }
    }
  }

  async #make(volume: VolumeSpec): Promise<string> {
    const { source } = volume;
    const { directory, memoryDirectory, syscalls, spec } = this.#deps;
    switch (source.kind) {
      case "files": {
        const target = path.join(memoryDirectory, volume.name);
        await this.#writeFiles(target, source.sources, source.defaultMode);
        return target;
      }
      case "emptyDir": {
        const target = path.join(directory, volume.name);
        if (existsSync(target)) return target;
        mkdirSync(target, { recursive: true });
        if (source.memory) {
          const bytes = source.sizeLimit === undefined ? undefined : divideQuantity(source.sizeLimit, "1");
          syscalls.mountFs("tmpfs", target, bytes === undefined ? "mode=0777" : `mode=0777,size=${bytes}`);
          this.#mounted.push(target);
        }
        chmodSync(target, spec.fsGroup === undefined ? 0o777 : 0o2777);
        if (spec.fsGroup !== undefined) chownSync(target, 0, spec.fsGroup);
        return target;
      }
      case "hostPath":
        return hostPath(source.path, source.type);
      case "unsupported":
        throw new Error(unsupported(source.what));
    }
  }

  async #writeFiles(target: string, sources: readonly FileSource[], defaultMode: number): Promise<void> {
    const { namespace, spec, facts, clock, tokens } = this.#deps;
    const objects = new Map<string, KubeObject>();
    const issued: string[] = [];
    for (const source of sources) {
      if (source.kind === "serviceAccountToken") {
        const { audience, expirationSeconds } = source;
        const token = await tokens.get({ audience, expirationSeconds });
        issued.push(token.token);
        this.#refreshAt(token.refreshAtMs);
      } else if (source.kind !== "downwardAPI") {
        const object = await this.#object(source.kind, namespace, source.name);
        if (object) objects.set(`${source.kind}/${source.name}`, object);
      }
    }
    const content = volumeContent({ sources, defaultMode, spec, facts: facts(), objects, tokens: issued });
    if (content.kind === "invalid") throw new Error(content.message);
    if (!this.#closed) writeAtomically(target, content.files, clock.now(), spec.fsGroup);
  }

  #refreshAt(atMs: number): void {
    if (this.#refreshTimer || this.#closed) return;
    this.#refreshTimer = this.#deps.clock.after(Math.max(1000, atMs - this.#deps.clock.now()), () => {
      this.#refreshTimer = undefined;
      void this.refresh();
    });
  }

  async #object(kind: "configMap" | "secret", namespace: string, name: string): Promise<KubeObject | undefined> {
    try {
      const resource = kind === "configMap" ? "configmaps" : "secrets";
      return await this.#deps.api.get({ group: "", version: "v1", resource }, namespace, name);
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return undefined;
      throw error;
    }
  }

  tearDown(): void {
    this.#closed = true;
    this.#refreshTimer?.cancel();
    for (const target of this.#mounted) this.#deps.syscalls.unmount(target);
    for (const directory of [this.#deps.directory, this.#deps.memoryDirectory])
      rmSync(directory, { recursive: true, force: true });
  }
}

/** Checks and, where asked, makes a path of the node. Source: kubelet `hostPathTypeChecker`. */
function hostPath(target: string, type: string): string {
  const present = existsSync(target);
  if (!present && type === "DirectoryOrCreate") mkdirSync(target, { recursive: true });
  else if (!present && type === "FileOrCreate") {
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, "");
  } else if (!present && type === "") mkdirSync(target, { recursive: true });
  else if (!present) throw new Error(`hostPath type check failed: ${target} does not exist on this machine`);
  const found = statSync(target);
  const wrong =
    (type.startsWith("Directory") && !found.isDirectory()) ||
    (type.startsWith("File") && !found.isFile()) ||
    (type === "Socket" && !found.isSocket()) ||
    (type === "CharDevice" && !found.isCharacterDevice()) ||
    (type === "BlockDevice" && !found.isBlockDevice());
  if (wrong)
    throw new Error(`hostPath type check failed: ${target} is not a ${type.replace("OrCreate", "").toLowerCase()}`);
  return target;
}

function unsupported(what: string): string {
  if (what === "persistentVolumeClaim" || what === "ephemeral") {
    return `the embedded cluster has no storage provisioner for ${what}; use emptyDir (lost with the pod) or hostPath (a directory of this machine) instead`;
  }
  return `the embedded cluster has no volume type "${what}"; it has configMap, secret, projected, downwardAPI, emptyDir and hostPath`;
}

export function createPodVolumes(deps: PodVolumesDeps): PodVolumes {
  return new Volumes(deps);
}
