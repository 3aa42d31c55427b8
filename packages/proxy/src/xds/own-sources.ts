import type { Clock, Logger } from "@heddle/std";
import type { DiscoveryClientOptions } from "@heddle/xds";
import { shortTypeName } from "@heddle/xds-api";
import { type ConfigOrigin, type DiscoveryServer, originKey } from "../config/config-origin.ts";
import type { ResourceStore } from "../resources.ts";
import { applyUpdate } from "./apply-update.ts";
import { SERVICES } from "./discovery-services.ts";
import type { DiscoveryService, DiscoveryStream } from "./discovery-stream.ts";
import type { FileSource } from "./file-source.ts";
import { WantedNames } from "./wanted-names.ts";

export interface OwnSourcesDeps {
  readonly resources: Pick<ResourceStore, "apply" | "wanted" | "held">;
  /** Types that others refer to. */
  readonly types: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  /** Opens a stream for one type; undefined, with a line in the log, where its server can't be dialled. */
  open(
    server: DiscoveryServer,
    service: DiscoveryService,
    onUpdate: DiscoveryClientOptions<unknown>["onUpdate"],
  ): Promise<DiscoveryStream | undefined>;
  file(path: string, typeUrl: string): FileSource;
  /** Told after each update. */
  onApplied(): void;
}

/** Files and streams that bring resources of one type each, beside or without an aggregated stream. */
export interface OwnSources {
  /** Everything of a type. Errors: a sentence when a file can't be used. */
  add(typeUrl: string, origin: ConfigOrigin): string | undefined;
  /** Asks for what the present configuration refers to, and no longer for what it does not. */
  follow(): void;
  /** Files are looked at again and again from now on. */
  watch(): void;
  close(): void;
}

/** A source of one type. */
interface Source {
  want(names: readonly string[]): void;
  watch(): void;
  close(): void;
}

class StreamSource implements Source {
  readonly #wanted = new WantedNames();
  readonly #forget: (names: readonly string[] | undefined) => void;
  readonly #typeUrl: string;
  /** Undefined: everything. */
  #names: readonly string[] | undefined = undefined;
  #stream: DiscoveryStream | undefined;
  #closed = false;

  constructor(
    typeUrl: string,
    opening: Promise<DiscoveryStream | undefined>,
    forget: (names: readonly string[] | undefined) => void,
  ) {
    this.#typeUrl = typeUrl;
    this.#forget = forget;
    void opening.then((stream) => {
      if (this.#closed || stream === undefined) return;
      this.#stream = stream;
      if (this.#names === undefined) stream.subscribe(typeUrl);
      else this.want(this.#names);
      stream.start();
    });
  }

  want(names: readonly string[]): void {
    this.#names = names;
    const stream = this.#stream;
    if (stream === undefined) return;
    this.#wanted.change(names, {
      subscribe: (fresh) => stream.subscribe(this.#typeUrl, fresh),
      unsubscribe: (stale) => {
        stream.unsubscribe(this.#typeUrl, stale);
        this.#forget(stale);
      },
    });
  }

  watch(): void {}

  close(): void {
    this.#closed = true;
    this.#stream?.close();
  }
}

class Sources implements OwnSources {
  readonly #deps: OwnSourcesDeps;
  /** By type and origin. */
  readonly #sources = new Map<string, Source>();
  #watching = false;

  constructor(deps: OwnSourcesDeps) {
    this.#deps = deps;
  }

  add(typeUrl: string, origin: ConfigOrigin): string | undefined {
    if (origin.kind === "file") return this.#addFile(typeUrl, origin.path).problem;
    if (origin.kind === "stream") this.#addStream(typeUrl, origin.server);
    return undefined;
  }

  follow(): void {
    const { resources, log } = this.#deps;
    for (const typeUrl of this.#deps.types) {
      const byOrigin = new Map<string, { readonly origin: ConfigOrigin; readonly names: string[] }>();
      for (const { name, from } of resources.wanted(typeUrl)) {
        const key = `${typeUrl}|${originKey(from)}`;
        const known = byOrigin.get(key);
        if (known === undefined) byOrigin.set(key, { origin: from, names: [name] });
        else known.names.push(name);
      }
      for (const [key, source] of this.#sources)
        if (key.startsWith(`${typeUrl}|`) && !byOrigin.has(key)) source.want([]);
      for (const [key, { origin, names }] of byOrigin) {
        if (origin.kind === "ads") continue;
        if (!this.#sources.has(key)) {
          const problem = this.add(typeUrl, origin);
          if (problem !== undefined)
            log.error("a file of resources can't be used", { type: shortTypeName(typeUrl), reason: problem });
        }
        this.#sources.get(key)?.want(names);
      }
    }
  }

  watch(): void {
    this.#watching = true;
    for (const source of this.#sources.values()) source.watch();
  }

  close(): void {
    for (const source of this.#sources.values()) source.close();
  }

  #addFile(typeUrl: string, path: string): { readonly problem: string | undefined } {
    const file = this.#deps.file(path, typeUrl);
    this.#sources.set(`${typeUrl}|${originKey({ kind: "file", path })}`, {
      want: () => {},
      watch: () => file.watch(),
      close: () => file.close(),
    });
    const problem = file.load();
    if (this.#watching) file.watch();
    return { problem };
  }

  #addStream(typeUrl: string, server: DiscoveryServer): void {
    const { resources, log } = this.#deps;
    const service = SERVICES.get(typeUrl);
    if (service === undefined) return;
    const opening = this.#deps.open(server, service, (update) => {
      const rejection = applyUpdate(resources, update, log);
      this.#deps.onApplied();
      return rejection;
    });
    // The server says nothing about what it is no longer asked for.
    const forget = (names: readonly string[] | undefined) =>
      void resources.apply(typeUrl, [], names ?? resources.held(typeUrl).map(({ name }) => name));
    this.#sources.set(
      `${typeUrl}|${originKey({ kind: "stream", server })}`,
      new StreamSource(typeUrl, opening, forget),
    );
  }
}

export function createOwnSources(deps: OwnSourcesDeps): OwnSources {
  return new Sources(deps);
}
