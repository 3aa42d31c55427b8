import { readFileSync } from "node:fs";
import type { Registry } from "@bufbuild/protobuf";
import type { Clock, ClockTimer, Logger } from "@heddle/std";
import { resourceName } from "@heddle/xds";
import { readJson, readMessage, shortTypeName } from "@heddle/xds-api";
import { DiscoveryResponseSchema, ResourceSchema } from "@heddle/xds-api/envoy/service/discovery/v3/discovery";
import { foldEnumCase } from "../bootstrap/enum-case.ts";
import { parseText } from "../bootstrap/yaml-text.ts";
import { stampOf } from "../file-stamp.ts";
import type { IncomingResource, ResourceStore } from "../resources.ts";

export interface FileSourceDeps {
  readonly path: string;
  readonly typeUrl: string;
  readonly resources: ResourceStore;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told after each update. */
  onApplied(): void;
}

/** Resources of one type in a file (a `DiscoveryResponse` in YAML or JSON) that may be replaced at any time. Source: Envoy `path_config_source`. */
export interface FileSource {
  /** Errors: a sentence when the file can't be used; what was there before stays in service. */
  load(): string | undefined;
  watch(): void;
  close(): void;
}

/** How often the file is looked at. Units: ms. */
const POLL_MS = 500;

class PolledFile implements FileSource {
  readonly #deps: FileSourceDeps;
  #seen = "";
  #names: readonly string[] = [];
  #timer: ClockTimer | undefined;

  constructor(deps: FileSourceDeps) {
    this.#deps = deps;
  }

  load(): string | undefined {
    const { path, typeUrl, resources } = this.#deps;
    this.#seen = stampOf(path);
    let found: readonly IncomingResource[];
    try {
      found = readResourceFile(path, typeUrl, this.#deps.registry);
    } catch (error) {
      return `${path}: ${error instanceof Error ? error.message : String(error)}`;
    }
    const names = found.map((r) => r.name);
    const removed = this.#names.filter((name) => !names.includes(name));
    this.#names = names;
    const problem = resources.apply(typeUrl, found, removed);
    this.#deps.onApplied();
    return problem === undefined ? undefined : `${path}: ${problem}`;
  }

  watch(): void {
    this.#timer ??= this.#deps.clock.every(POLL_MS, () => {
      if (stampOf(this.#deps.path) === this.#seen) return;
      const problem = this.load();
      if (problem === undefined) this.#deps.log.info("configuration file applied", { file: this.#deps.path });
      else
        this.#deps.log.error("configuration file refused; what was there before stays in service", { reason: problem });
    });
  }

  close(): void {
    this.#timer?.cancel();
  }
}

/** Errors: throws when the file can't be read or is not a `DiscoveryResponse`. */
export function readResourceFile(path: string, typeUrl: string, registry: Registry): readonly IncomingResource[] {
  const json = foldEnumCase(parseText(readFileSync(path, "utf8")), DiscoveryResponseSchema, registry);
  const response = readJson(DiscoveryResponseSchema, json, registry);
  return response.resources.map((packed): IncomingResource => {
    if (packed.typeUrl.endsWith(ResourceSchema.typeName)) {
      const wrapped = readMessage(ResourceSchema, packed.value);
      return { name: wrapped.name, version: wrapped.version, bytes: wrapped.resource?.value ?? new Uint8Array(0) };
    }
    const name = resourceName(packed.typeUrl, packed.value);
    if (packed.typeUrl !== typeUrl || name === undefined)
      throw new Error(
        `it holds a ${shortTypeName(packed.typeUrl) || "resource without @type"} where ${shortTypeName(typeUrl)} with a name belong`,
      );
    return { name, version: response.versionInfo, bytes: packed.value };
  });
}

export function createFileSource(deps: FileSourceDeps): FileSource {
  return new PolledFile(deps);
}
