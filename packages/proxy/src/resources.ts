import type { Logger } from "@heddle/std";
import { typeUrls } from "@heddle/xds-api";
import type { ConfigOrigin } from "./config/config-origin.ts";
import { fingerprint } from "./config/fingerprint.ts";
import type { RouteSource } from "./config/http-manager.ts";
import type { ListenerConfig } from "./config/listener.ts";
import {
  type DecodedResource,
  decodeResource,
  decodeResourceInSteps,
  type ResourceConfig,
} from "./config/resources.ts";
import type { RouteTableConfig } from "./config/route-table.ts";
import { problemText } from "./config/scope.ts";
import { sameKey } from "./config/scoped-routes.ts";
import type { SecretConfig } from "./config/secret.ts";
import type { Steps } from "./config/steps.ts";
import type { TlsConfig } from "./config/tls-context.ts";
import type { RouteCounterSet } from "./counters/route-counters.ts";
import type { ListenerSet } from "./listener/listener-set.ts";
import { compileRouteTable, type RouteTable } from "./router/route-table.ts";
import { ScopeSet } from "./router/scoped-routes.ts";
import type { Runtime } from "./runtime/runtime.ts";
import { secretProblem } from "./tls/secret-check.ts";
import type { SecretFiles } from "./tls/secret-files.ts";
import type { SecretStore } from "./tls/secret-store.ts";
import type { ClusterSet } from "./upstream/cluster-set.ts";

/** A resource with its encoded form, as the config dump shows it. */
export interface HeldResource {
  readonly typeUrl: string;
  readonly name: string;
  readonly version: string;
  readonly bytes: Uint8Array;
  readonly updatedMs: number;
}

/** One resource of an update. */
export interface IncomingResource {
  readonly name: string;
  readonly version: string;
  readonly bytes: Uint8Array;
}

/** A resource that another refers to. */
export interface WantedResource {
  /** "*": all of the type. */
  readonly name: string;
  readonly from: ConfigOrigin;
}

/** The configuration in service: applies resources, and says which others they refer to. */
export interface ResourceStore {
  /**
   * Decodes ahead what the next `apply` of these very bytes needs; nothing that is in service changes.
   * Undefined: so little that steps are not worth their while.
   */
  prepare(typeUrl: string, resources: readonly IncomingResource[]): Steps<void> | undefined;
  /** Applies an update as a whole, or refuses it: undefined, or every problem in one text. */
  apply(typeUrl: string, resources: readonly IncomingResource[], removed: readonly string[]): string | undefined;
  route(name: string): RouteTable | undefined;
  /** Scopes that discovery has brought. */
  readonly scopes: ScopeSet;
  /** Resources of a type that others refer to, and where they come from. */
  wanted(typeUrl: string): readonly WantedResource[];
  held(typeUrl: string): readonly HeldResource[];
  /** Resources last refused, by type and name, with the reason. */
  rejected(): ReadonlyMap<string, string>;
  /** Types that have been answered at least once. */
  readonly received: ReadonlySet<string>;
}

export interface ResourceStoreDeps {
  readonly listeners: ListenerSet;
  readonly clusters: ClusterSet;
  readonly secrets: SecretStore;
  readonly secretFiles: SecretFiles;
  readonly runtime: Runtime;
  readonly log: Logger;
  readonly routeCounters: RouteCounterSet;
  now(): number;
}

/** Less than this is decoded where it is applied: some milliseconds. Units: bytes. */
const PREPARED_BYTES = 65_536;

class Store implements ResourceStore {
  readonly #deps: ResourceStoreDeps;
  readonly #routes = new Map<string, { readonly table: RouteTable; readonly fingerprint: string }>();
  readonly #held = new Map<string, Map<string, HeldResource>>();
  readonly #rejected = new Map<string, string>();
  readonly #prepared = new WeakMap<Uint8Array, DecodedResource>();
  readonly received = new Set<string>();
  readonly scopes: ScopeSet;
  /** Those of the update that is applied which are not applied yet. */
  #changing: Set<string> = new Set();

  constructor(deps: ResourceStoreDeps) {
    this.#deps = deps;
    this.scopes = new ScopeSet(deps.routeCounters, (name) => this.route(name));
  }

  prepare(typeUrl: string, resources: readonly IncomingResource[]): Steps<void> | undefined {
    const size = resources.reduce((sum, { bytes }) => sum + bytes.length, 0);
    return size < PREPARED_BYTES ? undefined : this.#prepare(typeUrl, resources);
  }

  *#prepare(typeUrl: string, resources: readonly IncomingResource[]): Steps<void> {
    for (const resource of resources) {
      if (this.#serves(typeUrl, resource)) continue;
      this.#prepared.set(resource.bytes, yield* decodeResourceInSteps(typeUrl, resource.bytes));
      yield;
    }
  }

  apply(typeUrl: string, resources: readonly IncomingResource[], removed: readonly string[]): string | undefined {
    const problems: string[] = [];
    this.#changing = new Set([...resources.map(({ name }) => name), ...removed]);
    for (const resource of resources) {
      const problem = this.#applyOne(typeUrl, resource);
      this.#changing.delete(resource.name);
      const key = `${typeUrl}|${resource.name}`;
      if (problem === undefined) {
        this.#rejected.delete(key);
        continue;
      }
      this.#rejected.set(key, problem);
      problems.push(`${resource.name}: ${problem}`);
    }
    for (const name of removed) this.#remove(typeUrl, name);
    this.received.add(typeUrl);
    return problems.length === 0 ? undefined : problems.join("; ");
  }

  route(name: string): RouteTable | undefined {
    return this.#routes.get(name)?.table;
  }

  wanted(typeUrl: string): readonly WantedResource[] {
    const found = new Map<string, WantedResource>();
    for (const one of this.#references(typeUrl)) if (!found.has(one.name)) found.set(one.name, one);
    return [...found.values()];
  }

  *#references(typeUrl: string): Iterable<WantedResource> {
    const { clusters } = this.#deps;
    switch (typeUrl) {
      case typeUrls.route:
        for (const chain of this.#chains())
          for (const filter of chain.filters) if (filter.kind === "http") yield* this.#tablesOf(filter.routes);
        return;
      case typeUrls.scopedRoute:
        for (const chain of this.#chains())
          for (const filter of chain.filters)
            if (filter.kind === "http" && filter.routes.kind === "scoped" && filter.routes.scopes.kind === "srds")
              yield { name: "*", from: filter.routes.scopes.from };
        return;
      case typeUrls.endpoint:
        for (const { config } of clusters.all())
          if (config.discovery.kind === "eds")
            yield { name: config.discovery.serviceName, from: config.discovery.from };
        return;
      case typeUrls.secret:
        for (const chain of this.#chains()) yield* secretsOf(chain.tls);
        for (const { config } of clusters.all()) {
          yield* secretsOf(config.tls);
          for (const match of config.transportMatches) yield* secretsOf(match.tls);
        }
        return;
      case typeUrls.runtime:
        for (const { resource, from } of this.#deps.runtime.discovered) yield { name: resource, from };
    }
  }

  *#tablesOf(routes: RouteSource): Iterable<WantedResource> {
    if (routes.kind === "rds") yield routes;
    if (routes.kind !== "scoped") return;
    const { scopes, tablesFrom: from } = routes;
    if (scopes.kind === "srds") for (const name of this.scopes.tables()) yield { name, from };
    else for (const { routes: table } of scopes.list) if (table.kind === "rds") yield { name: table.name, from };
  }

  held(typeUrl: string): readonly HeldResource[] {
    return [...(this.#held.get(typeUrl)?.values() ?? [])];
  }

  rejected(): ReadonlyMap<string, string> {
    return this.#rejected;
  }

  *#chains(): Iterable<ListenerConfig["chains"][number]> {
    for (const listener of this.#deps.listeners.all()) {
      yield* listener.chains;
      if (listener.defaultChain !== undefined) yield listener.defaultChain;
    }
  }

  #applyOne(typeUrl: string, resource: IncomingResource): string | undefined {
    if (!this.#serves(typeUrl, resource)) {
      const decoded = this.#prepared.get(resource.bytes) ?? decodeResource(typeUrl, resource.bytes);
      this.#prepared.delete(resource.bytes);
      if (!decoded.ok) return problemText(decoded.error);
      const problem = this.#install(decoded.value);
      if (problem !== undefined) return problem;
      if (decoded.value.kind === "secret")
        this.#deps.secretFiles.follow(resource.name, decoded.value.config.files, () => this.#readAgain(resource.bytes));
    }
    let byName = this.#held.get(typeUrl);
    if (byName === undefined) {
      byName = new Map();
      this.#held.set(typeUrl, byName);
    }
    byName.set(resource.name, { typeUrl, ...resource, updatedMs: this.#deps.now() });
    return undefined;
  }

  /** A secret whose files changed. Errors: what can't be used, such as a key whose certificate is still to come. */
  #readAgain(bytes: Uint8Array): string | undefined {
    const decoded = decodeResource(typeUrls.secret, bytes);
    if (!decoded.ok) return problemText(decoded.error);
    const secret = decoded.value.kind === "secret" ? decoded.value.config : undefined;
    const problem = secret && secretProblem(secret);
    if (secret !== undefined && problem === undefined) installSecret(this.#deps.secrets, secret);
    return problem;
  }

  /** A route table whose bytes came again; there is nothing to do for it. */
  #serves(typeUrl: string, { name, bytes }: IncomingResource): boolean {
    const served = typeUrl === typeUrls.route ? this.#routes.get(name) : undefined;
    return served !== undefined && served.fingerprint === fingerprint(bytes);
  }

  #install(resource: ResourceConfig): string | undefined {
    const { listeners, clusters } = this.#deps;
    switch (resource.kind) {
      case "listener": {
        const done = listeners.set(resource.config, resource.fingerprint);
        return done.ok ? undefined : done.error;
      }
      case "route":
        this.#installRoute(resource.config, resource.fingerprint);
        return undefined;
      case "scope": {
        const other = this.scopes.conflict(resource.config, this.#changing);
        if (other !== undefined) return `key: ${sameKey(other)}`;
        this.scopes.set(resource.config);
        return undefined;
      }
      case "cluster":
        clusters.set(resource.config, resource.fingerprint);
        return undefined;
      case "endpoints":
        clusters.setAssignment(resource.config);
        return undefined;
      case "secret":
        installSecret(this.#deps.secrets, resource.config);
        return undefined;
      case "runtime":
        this.#deps.runtime.setResource(resource.config.name, resource.config.values);
        return undefined;
    }
  }

  #installRoute(config: RouteTableConfig, fingerprint: string): void {
    if (this.#routes.get(config.name)?.fingerprint === fingerprint) return;
    this.#routes.set(config.name, { table: compileRouteTable(config, this.#deps.routeCounters), fingerprint });
  }

  #remove(typeUrl: string, name: string): void {
    this.#held.get(typeUrl)?.delete(name);
    this.#rejected.delete(`${typeUrl}|${name}`);
    switch (typeUrl) {
      case typeUrls.listener:
        this.#deps.listeners.remove(name);
        break;
      case typeUrls.route:
        this.#routes.delete(name);
        break;
      case typeUrls.scopedRoute:
        this.scopes.remove(name);
        break;
      case typeUrls.cluster:
        this.#deps.clusters.remove(name);
        break;
      case typeUrls.endpoint:
        this.#deps.clusters.removeAssignment(name);
        break;
      case typeUrls.secret:
        this.#deps.secrets.remove(name);
        this.#deps.secretFiles.follow(name, [], () => undefined);
        break;
      case typeUrls.runtime:
        this.#deps.runtime.setResource(name, undefined);
        break;
    }
  }
}

function* secretsOf(tls: TlsConfig | undefined): Iterable<WantedResource> {
  if (tls?.certificate.kind === "sds" && tls.certificate.from !== undefined)
    yield { name: tls.certificate.name, from: tls.certificate.from };
  const { sds, from } = tls?.validation ?? {};
  if (sds !== undefined && from !== undefined) yield { name: sds, from };
}

function installSecret(secrets: SecretStore, secret: SecretConfig): void {
  if (secret.kind === "certificate") secrets.setCertificate(secret.name, secret.pair);
  else secrets.setValidation(secret.name, secret.validation);
}

export function createResourceStore(deps: ResourceStoreDeps): ResourceStore {
  return new Store(deps);
}
