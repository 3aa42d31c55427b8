import { typeUrls } from "@heddle/xds-api";
import { type EncodedResource, emptySet, type ResourceSet } from "../resource.ts";
import { isFullState, lingers } from "../type-order.ts";
import { type NamePool, noNames } from "./name-pool.ts";
import type { SubscribedNames } from "./request.ts";

const wildcardName = "*";
/** Types that a client always asks for by name; an empty list means none of them. */
const needsNames = (typeUrl: string): boolean => typeUrl === typeUrls.endpoint || typeUrl === typeUrls.route;

/** What is to be sent for one type. */
export interface Difference {
  readonly changed: readonly EncodedResource[];
  readonly removed: readonly string[];
}

/** A response that the client has not answered yet. */
export interface Outstanding {
  readonly nonce: string;
  readonly version: string;
  readonly epoch: number;
}

/** What one client wants of one type and what it was told so far. States and transitions: LIFECYCLE.md. */
export class Subscription {
  readonly typeUrl: string;
  wildcard = false;
  /** Shared with the clients that want the same. */
  names = noNames;
  /** Invariant: every subscribed name was last told from this set, except those in `forced` and `lingering`. */
  sentSet: ResourceSet = emptySet;
  /** Versions that a reconnecting delta client said it has; replaces `sentSet` for the first comparison. */
  #known: Readonly<Record<string, string>> | undefined;
  /** Names that were asked for explicitly: they are sent even if unchanged. */
  readonly forced = new Set<string>();
  /** The next flush answers even when there is nothing to say (first request). */
  mustRespond = false;
  /**
   * State of the world: the type that this one depends on was sent, so a request that repeats its names is no mere repetition. Envoy
   * keeps a changed cluster waiting until its endpoints come again, though they are the same.
   */
  mayRewarm = false;
  /** Gone, but not told yet because routes or listeners of this client may still refer to it. */
  readonly lingering = new Map<string, EncodedResource | undefined>();
  outstanding: Outstanding | undefined;
  /** Epoch of the oldest change that was not sent; undefined when up to date. */
  dirtyEpoch: number | undefined;
  sentVersion = "";
  sentNonce = "";
  ackedVersion = "";
  ackedNonce = "";
  rejection: { readonly nonce: string; readonly version: string; readonly reason: string } | undefined;
  #named = false;

  readonly #pool: NamePool;

  constructor(typeUrl: string, pool: NamePool) {
    this.typeUrl = typeUrl;
    this.#pool = pool;
  }

  get urgent(): boolean {
    return this.mustRespond || this.forced.size > 0;
  }

  /** Sends everything again that the client asks for by name. */
  repeat(): void {
    this.mayRewarm = false;
    for (const name of this.names) this.forced.add(name);
  }

  /** Applies the names of a request; newly wanted names become `forced`. */
  subscribe(change: SubscribedNames, first: boolean): void {
    if (first) this.mustRespond = true;
    if (change.kind === "all") this.#replaceNames(change.names, first);
    else this.#changeNames(change.subscribe, change.unsubscribe, first);
    if (first && change.kind === "change" && Object.keys(change.known).length > 0) this.#known = change.known;
  }

  #replaceNames(names: readonly string[], first: boolean): void {
    if (names.length > 0) this.#named = true;
    const wildcard = names.includes(wildcardName) || (names.length === 0 && !this.#named && !needsNames(this.typeUrl));
    if (wildcard && !this.wildcard && !first) this.mustRespond = true;
    this.wildcard = wildcard;
    const wanted = new Set(names);
    wanted.delete(wildcardName);
    const before = this.names;
    this.names = this.#pool.of(wanted);
    if (this.names === before) return;
    for (const name of before) if (!wanted.has(name)) this.#forget(name);
    for (const name of wanted) if (!before.has(name)) this.forced.add(name);
  }

  #changeNames(subscribe: readonly string[], unsubscribe: readonly string[], first: boolean): void {
    if (first && subscribe.length === 0 && !needsNames(this.typeUrl)) this.wildcard = true;
    const isName = (name: string): boolean => name !== wildcardName;
    this.names = this.#pool.change(this.names, subscribe.filter(isName), unsubscribe.filter(isName));
    for (const name of subscribe) {
      if (isName(name)) this.forced.add(name);
      else if (!this.wildcard) {
        this.wildcard = true;
        this.mustRespond = true;
      }
    }
    for (const name of unsubscribe) {
      if (isName(name)) this.#forget(name);
      else this.wildcard = false;
      // Still covered by the wildcard: the client has to be told the resource's state again.
      if (this.wildcard && name !== wildcardName) this.forced.add(name);
    }
  }

  #forget(name: string): void {
    this.forced.delete(name);
    this.lingering.delete(name);
  }

  /** Compares what the client was told with `set`. */
  difference(set: ResourceSet): Difference {
    const changed: EncodedResource[] = [];
    const removed: string[] = [];
    const visit = (name: string): void => {
      const now = set.get(name);
      const before = this.#known === undefined ? this.sentSet.get(name)?.version : this.#known[name];
      if (now !== undefined) {
        // What a reconnecting client still has is not sent again, though it names everything anew.
        const again = this.#known === undefined && this.forced.has(name);
        if (again || now.version !== before) changed.push(now);
      } else if (before !== undefined || this.forced.has(name)) {
        removed.push(name);
      }
    };
    for (const name of this.#candidates(set)) visit(name);
    return { changed, removed };
  }

  #candidates(set: ResourceSet): Iterable<string> {
    if (this.#known !== undefined) {
      const all = new Set([...Object.keys(this.#known), ...this.forced, ...this.names]);
      if (this.wildcard) for (const name of set.names()) all.add(name);
      return all;
    }
    const hinted = set.changedSince?.(this.sentSet);
    const candidates = new Set(this.forced);
    if (this.wildcard) {
      for (const name of hinted ?? this.sentSet.names()) candidates.add(name);
      for (const name of hinted ?? set.names()) candidates.add(name);
    }
    if (hinted === undefined) for (const name of this.names) candidates.add(name);
    else for (const name of hinted) if (this.names.has(name)) candidates.add(name);
    return candidates;
  }

  /** Everything that the client should have; state-of-the-world responses of clusters and listeners hold it all. */
  fullState(set: ResourceSet): readonly EncodedResource[] {
    const all: EncodedResource[] = [];
    for (const name of this.wildcard ? set.names() : this.names) {
      const resource = set.get(name);
      if (resource !== undefined) all.push(resource);
    }
    for (const resource of this.lingering.values()) if (resource !== undefined) all.push(resource);
    return all;
  }

  /** Notes that the client is told the state of `set`. Returns the removals that can be told now; the others linger. */
  advance(set: ResourceSet, difference: Difference): readonly string[] {
    const tellNow: string[] = [];
    for (const name of difference.removed) {
      const before = this.sentSet.get(name);
      // Something that the client asked for and never had can be denied at once.
      const had = before !== undefined || this.#known?.[name] !== undefined;
      if (had && lingers(this.typeUrl)) this.lingering.set(name, before);
      else tellNow.push(name);
    }
    for (const resource of difference.changed) this.lingering.delete(resource.name);
    this.sentSet = set;
    this.#known = undefined;
    this.forced.clear();
    this.dirtyEpoch = undefined;
    return tellNow;
  }

  /** Whether absence in a state-of-the-world response means removal. */
  get fullStateType(): boolean {
    return isFullState(this.typeUrl);
  }
}
