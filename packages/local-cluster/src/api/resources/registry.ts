import type { ResourceId } from "../../contract/index.ts";
import { noSuchPath } from "../errors/api-errors.ts";
import { joinApiVersion } from "../json/kube-object.ts";
import type { ResourceDefinition } from "./resource-definition.ts";

/** The resources that are served now: the built-in table and what CRDs add. */
export interface Registry {
  find(id: ResourceId): ResourceDefinition | undefined;
  /** Errors: 404 as for an unknown path. */
  need(id: ResourceId): ResourceDefinition;
  byKind(apiVersion: string, kind: string): ResourceDefinition | undefined;
  all(): readonly ResourceDefinition[];
  /** Replaces what one CRD serves; an empty list removes it. */
  setCustom(owner: string, definitions: readonly ResourceDefinition[]): void;
  /** Grows with every change: discovery and OpenAPI are cached under it. */
  readonly revision: number;
}

export function createRegistry(builtin: readonly ResourceDefinition[]): Registry {
  return new ResourceRegistry(builtin);
}

class ResourceRegistry implements Registry {
  readonly #builtin: readonly ResourceDefinition[];
  readonly #custom = new Map<string, readonly ResourceDefinition[]>();
  #byPath = new Map<string, ResourceDefinition>();
  #all: readonly ResourceDefinition[] = [];
  #revision = 0;

  constructor(builtin: readonly ResourceDefinition[]) {
    this.#builtin = builtin;
    this.#index();
  }

  get revision(): number {
    return this.#revision;
  }

  find(id: ResourceId): ResourceDefinition | undefined {
    return this.#byPath.get(`${id.group}/${id.version}/${id.resource}`);
  }

  need(id: ResourceId): ResourceDefinition {
    const found = this.find(id);
    if (!found) throw noSuchPath();
    return found;
  }

  byKind(apiVersion: string, kind: string): ResourceDefinition | undefined {
    return this.#all.find((def) => def.kind === kind && joinApiVersion(def.group, def.version) === apiVersion);
  }

  all(): readonly ResourceDefinition[] {
    return this.#all;
  }

  setCustom(owner: string, definitions: readonly ResourceDefinition[]): void {
    if (definitions.length === 0) this.#custom.delete(owner);
    else this.#custom.set(owner, definitions);
    this.#index();
  }

  #index(): void {
    this.#revision++;
    this.#all = [...this.#builtin, ...[...this.#custom.values()].flat()];
    this.#byPath = new Map(this.#all.map((def) => [`${def.group}/${def.version}/${def.resource}`, def]));
  }
}
