import { type Clock, type ClockTimer, createBackoff } from "@heddle/std";
import { isRecord, numberAt, textAt } from "./json-fields.ts";
import { isKubeError, KubeError } from "./kube-error.ts";
import { type KubeList, type KubeMeta, type KubeObject, toKubeObject } from "./kube-object.ts";
import { createLineDecoder } from "./line-decoder.ts";
import type { Query } from "./transport.ts";

/** A change of one object. `object` of a `DELETED` that was noticed by a new list has only `apiVersion`, `kind` and the metadata last seen. */
export interface KubeEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: KubeObject;
}

export interface WatchHandlers {
  onEvent(event: KubeEvent): void;
  /** Once, when every object present at the start was given as `ADDED`. Also when the kind isn't served (then nothing was given). */
  onSync?(): void;
  /** The API server has begun to tell changes: after the start and after each interruption. */
  onOpen?(): void;
  /** What went wrong and when it is tried again; the watch goes on by itself. Units: ms. */
  onError?(error: Error, retryInMs: number): void;
}

export interface WatchOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface Watch {
  /** Idempotent; no handler runs after it. */
  close(): void;
}

/** What the loop needs of the API server. */
export interface WatchSource {
  list(signal: AbortSignal): Promise<KubeList>;
  open(query: Query, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
}

const MIN_STREAM_S = 240;
const STREAM_SPREAD_S = 60;
const SILENCE_MARGIN_MS = 30_000;
const BACKOFF = { baseMs: 400, maxMs: 30_000, minMs: 100 };

/** List, then watch from there, forever: no change is missed, none is told twice. States and transitions: LIFECYCLE.md. */
export function createWatch(source: WatchSource, handlers: WatchHandlers, clock: Clock, random: () => number): Watch {
  const loop = new WatchLoop(source, handlers, clock, random);
  void loop.run();
  return loop;
}

interface Known {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: KubeMeta;
}

type StreamEnd = "resume" | "relist";

class WatchLoop implements Watch {
  readonly #source: WatchSource;
  readonly #handlers: WatchHandlers;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #abort = new AbortController();
  /** Key `namespace/name`; metadata of what was last told as present. */
  readonly #known = new Map<string, Known>();
  #synced = false;

  constructor(source: WatchSource, handlers: WatchHandlers, clock: Clock, random: () => number) {
    this.#source = source;
    this.#handlers = handlers;
    this.#clock = clock;
    this.#random = random;
  }

  close(): void {
    this.#abort.abort(new Error("watch closed"));
  }

  async run(): Promise<void> {
    const { signal } = this.#abort;
    const backoff = createBackoff(BACKOFF, this.#random);
    // Undefined: a list is due.
    let version: string | undefined;
    while (!signal.aborted) {
      try {
        if (version === undefined) {
          const list = await this.#source.list(signal);
          if (signal.aborted) return;
          this.#tellDifference(list);
          // Whoever saw all it waited for has closed by now: a quiet stream would hold up the process's end.
          if (signal.aborted) return;
          version = list.resourceVersion;
        }
        const outcome = await this.#stream(version, () => backoff.reset());
        version = outcome.end === "relist" ? undefined : outcome.version;
      } catch (error) {
        if (signal.aborted) return;
        if (isKubeError(error, 410)) {
          version = undefined;
          continue;
        }
        if (isKubeError(error, 404)) {
          // Its CustomResourceDefinition is gone, and all objects with it.
          this.#tellDifference({ items: [], resourceVersion: "" });
          version = undefined;
        }
        const waitMs = backoff.next();
        this.#handlers.onError?.(error instanceof Error ? error : new Error(String(error)), waitMs);
        await this.#sleep(waitMs);
      }
    }
  }

  #tellDifference(list: KubeList): void {
    const present = new Set<string>();
    for (const object of list.items) {
      const key = keyOf(object.metadata);
      present.add(key);
      const before = this.#known.get(key);
      if (before !== undefined && before.metadata.uid === object.metadata.uid) {
        if (before.metadata.resourceVersion !== object.metadata.resourceVersion)
          this.#tell({ type: "MODIFIED", object });
        continue;
      }
      if (before !== undefined) this.#tell({ type: "DELETED", object: { ...before } });
      this.#tell({ type: "ADDED", object });
    }
    for (const [key, before] of this.#known) {
      if (!present.has(key)) this.#tell({ type: "DELETED", object: { ...before } });
    }
    if (!this.#synced && !this.#abort.signal.aborted) {
      this.#synced = true;
      this.#handlers.onSync?.();
    }
  }

  #tell(event: KubeEvent): void {
    if (this.#abort.signal.aborted) return;
    const { apiVersion, kind, metadata } = event.object;
    const key = keyOf(metadata);
    if (event.type === "DELETED") this.#known.delete(key);
    else this.#known.set(key, { apiVersion, kind, metadata: withoutOwners(metadata) });
    this.#handlers.onEvent(event);
  }

  /** One watch request, to its end. The version returned is where the next one must start. */
  async #stream(from: string, onProgress: () => void): Promise<{ readonly end: StreamEnd; readonly version: string }> {
    const { signal } = this.#abort;
    const timeoutSeconds = Math.round(MIN_STREAM_S + this.#random() * STREAM_SPREAD_S);
    const request = new AbortController();
    const onAbort = () => request.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    // The server ends the stream in time; a connection that died silently would not.
    const deadline = this.#clock.after(timeoutSeconds * 1000 + SILENCE_MARGIN_MS, () => request.abort());
    let version = from;
    try {
      const body = await this.#source.open(
        { watch: true, allowWatchBookmarks: true, resourceVersion: from, timeoutSeconds },
        request.signal,
      );
      this.#handlers.onOpen?.();
      const decoder = createLineDecoder();
      for await (const chunk of body) {
        for (const line of decoder.push(chunk)) {
          const parsed: unknown = JSON.parse(line);
          if (signal.aborted) return { end: "resume", version };
          const next = this.#take(parsed);
          if (next === "relist") return { end: "relist", version };
          version = next ?? version;
          onProgress();
        }
      }
      if (version === from) await this.#sleep(BACKOFF.minMs);
      return { end: "resume", version };
    } catch (error) {
      if (signal.aborted || isKubeError(error)) throw error;
      // The connection broke in the middle: what was told is told, go on from there.
      if (version === from) throw error;
      return { end: "resume", version };
    } finally {
      deadline.cancel();
      signal.removeEventListener("abort", onAbort);
      request.abort();
    }
  }

  /** The new resourceVersion, or that the stream can't go on. */
  #take(line: unknown): string | undefined {
    const type = textAt(line, "type");
    const object = isRecord(line) ? line["object"] : undefined;
    if (type === "ERROR") {
      const code = numberAt(object, "code") ?? 500;
      if (code === 410) return "relist";
      throw new KubeError(
        code,
        textAt(object, "reason") ?? "InternalError",
        textAt(object, "message") ?? "the API server ended the watch with an error",
      );
    }
    const seen = toKubeObject(object);
    const known = this.#known.has(keyOf(seen.metadata));
    if (type === "ADDED" || type === "MODIFIED") this.#tell({ type: known ? "MODIFIED" : "ADDED", object: seen });
    else if (type === "DELETED" && known) this.#tell({ type, object: seen });
    return seen.metadata.resourceVersion;
  }

  #sleep(ms: number): Promise<void> {
    const { signal } = this.#abort;
    return new Promise((resolve) => {
      let timer: ClockTimer | undefined;
      const done = () => {
        timer?.cancel();
        signal.removeEventListener("abort", done);
        resolve();
      };
      timer = this.#clock.after(ms, done);
      signal.addEventListener("abort", done, { once: true });
    });
  }
}

/** Who owns which field is a real API server's largest part of many objects, and nothing that a deletion would have to tell. */
function withoutOwners(metadata: KubeMeta): KubeMeta {
  if (!("managedFields" in metadata)) return metadata;
  const { managedFields: _, ...rest } = metadata;
  return rest;
}

function keyOf(metadata: KubeMeta): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}
