import type { Duplex } from "node:stream";
import { type Clock, createSystemClock } from "@heddle/std";
import { type Applied, type ApplyObjectsOptions, applyObjects } from "./apply-objects.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { type ExecOptions, type ExecSession, openExec } from "./exec.ts";
import { type AccessOptions, findAccess } from "./find-access.ts";
import { listAt, recordAt, textAt } from "./json-fields.ts";
import { isKubeError, KubeError } from "./kube-error.ts";
import { type KubeList, type KubeObject, type ObjectRef, type ResourceType, toKubeObject } from "./kube-object.ts";
import { type ProxyTarget, pathOf, proxyPath } from "./paths.ts";
import { openPortForward } from "./port-forward.ts";
import { createResourceMap, type ResourceMap } from "./resource-map.ts";
import { createTransport, type Query, queryText, type RequestOptions, type Transport } from "./transport.ts";
import { createWatch, type Watch, type WatchHandlers, type WatchOptions } from "./watch.ts";

export interface KubeClientOptions extends AccessOptions {
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Numbers in [0, 1) for jitter. Default: `Math.random`. */
  readonly random?: () => number;
  /** Default: "heddle". */
  readonly userAgent?: string;
}

export interface ListOptions extends WatchOptions {
  /** Page size; all pages are fetched. Default: 500. */
  readonly pageSize?: number;
  /** How long a page may take, with its body. Default: 60 s, an API server's own limit. Units: ms. */
  readonly pageTimeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface WriteOptions {
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
  readonly subresource?: string;
  readonly signal?: AbortSignal;
}

export interface PatchOptions extends WriteOptions {
  /** Default: merge. `apply` is server-side apply. */
  readonly type?: "merge" | "json" | "strategic" | "apply";
  /** With `apply`: takes fields over from other managers. */
  readonly force?: boolean;
}

export interface KubeDeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Foreground" | "Background" | "Orphan";
  readonly signal?: AbortSignal;
}

/**
 * A Kubernetes API. Every call rejects with `KubeError`; where `apiVersion` and `kind` name a type, discovery finds its URL.
 * A namespaced object without a namespace is in the client's.
 */
export interface KubeClient {
  readonly server: string;
  readonly namespace: string;
  readonly access: ClusterAccess;
  readonly resources: ResourceMap;
  /** Any call, for what the others don't cover (logs, subresources): the 2xx answer with its body unread. */
  request(method: string, path: string, options?: RequestOptions): Promise<Response>;
  get(ref: ObjectRef, options?: { readonly subresource?: string; readonly signal?: AbortSignal }): Promise<KubeObject>;
  /** Undefined instead of a 404. */
  find(ref: ObjectRef): Promise<KubeObject | undefined>;
  /** All objects in a namespace, or of all namespaces when none is given. */
  list(type: ResourceType & { readonly namespace?: string }, options?: ListOptions): Promise<KubeList>;
  create(object: KubeObject, options?: WriteOptions): Promise<KubeObject>;
  replace(object: KubeObject, options?: WriteOptions): Promise<KubeObject>;
  patch(ref: ObjectRef, patch: unknown, options?: PatchOptions): Promise<KubeObject>;
  /** False when it was not there. */
  delete(ref: ObjectRef, options?: KubeDeleteOptions): Promise<boolean>;
  applyObjects(objects: readonly KubeObject[], options?: ApplyObjectsOptions): Promise<readonly Applied[]>;
  /** Keeps telling what changes until closed; reconnects by itself. */
  watch(type: ResourceType & { readonly namespace?: string }, handlers: WatchHandlers, options?: WatchOptions): Watch;
  /** An HTTP request to a pod or Service through the API server. */
  proxyRequest(target: ProxyTarget, method: string, path: string, options?: RequestOptions): Promise<Response>;
  /** One TCP connection to a pod's port. */
  portForward(namespace: string, pod: string, port: number, signal?: AbortSignal): Promise<Duplex>;
  exec(namespace: string, pod: string, command: readonly string[], options?: ExecOptions): Promise<ExecSession>;
}

/** Finds the cluster and its credentials; contacts nobody yet. Errors: `NoKubeconfig`, `InvalidKubeconfig`, `CredentialsUnavailable`. */
export async function createKubeClient(options: KubeClientOptions): Promise<KubeClient> {
  const clock = options.clock ?? createSystemClock();
  return kubeClientFor(await findAccess(options, clock), { ...options, clock });
}

/** The client for a known way to a cluster. */
export function kubeClientFor(
  access: ClusterAccess,
  options: Pick<KubeClientOptions, "clock" | "random" | "userAgent">,
): KubeClient {
  return new Client(
    access,
    createTransport(access, options.userAgent ?? "heddle"),
    options.clock ?? createSystemClock(),
    options.random ?? Math.random,
  );
}

const PAGE_TIMEOUT_MS = 60_000;

const PATCH_TYPE = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
} as const;

class Client implements KubeClient {
  readonly server: string;
  readonly namespace: string;
  readonly access: ClusterAccess;
  readonly resources: ResourceMap;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #random: () => number;

  constructor(access: ClusterAccess, transport: Transport, clock: Clock, random: () => number) {
    this.server = access.server;
    this.namespace = access.namespace;
    this.access = access;
    this.#transport = transport;
    this.#clock = clock;
    this.#random = random;
    this.resources = createResourceMap(transport);
  }

  request(method: string, path: string, options?: RequestOptions): Promise<Response> {
    return this.#transport.request(method, path, options);
  }

  async get(
    ref: ObjectRef,
    options: { readonly subresource?: string; readonly signal?: AbortSignal } = {},
  ): Promise<KubeObject> {
    return this.#object(
      "GET",
      await pathOf(this.resources, ref, this.namespace, options.subresource),
      signalOf(options),
    );
  }

  async find(ref: ObjectRef): Promise<KubeObject | undefined> {
    return this.get(ref).catch((error: unknown) => {
      if (isKubeError(error, 404)) return undefined;
      throw error;
    });
  }

  async list(type: ResourceType & { readonly namespace?: string }, options: ListOptions = {}): Promise<KubeList> {
    return this.#list(await pathOf(this.resources, type, undefined), options);
  }

  async #list(path: string, options: ListOptions): Promise<KubeList> {
    const { labelSelector, fieldSelector, pageSize = 500 } = options;
    const items: KubeObject[] = [];
    let next: string | undefined;
    for (;;) {
      const query = { labelSelector, fieldSelector, limit: pageSize, continue: next };
      const page = await this.#page(path, query, options);
      const metadata = recordAt(page, "metadata");
      const kind = (textAt(page, "kind") ?? "List").replace(/List$/, "");
      const fallback = { apiVersion: textAt(page, "apiVersion") ?? "v1", kind };
      for (const item of listAt(page, "items")) items.push(toKubeObject(item, fallback));
      next = textAt(metadata, "continue");
      if (next === undefined) return { items, resourceVersion: textAt(metadata, "resourceVersion") ?? "" };
    }
  }

  /** One page, its body too within the time: an API server that stops in the middle must not hold up whoever lists for ever. */
  async #page(path: string, query: Query, options: ListOptions): Promise<unknown> {
    const { signal, pageTimeoutMs = PAGE_TIMEOUT_MS } = options;
    const late = AbortSignal.timeout(pageTimeoutMs);
    const both = signal === undefined ? late : AbortSignal.any([signal, late]);
    try {
      return await (await this.request("GET", path, { query, signal: both, timeoutMs: pageTimeoutMs })).json();
    } catch (error) {
      if (!late.aborted || signal?.aborted === true) throw error;
      const sentence = `${this.server} did not list ${path} within ${pageTimeoutMs / 1000} s; is it overloaded, or does a firewall drop packets?`;
      throw new KubeError(0, "Timeout", sentence, { cause: error });
    }
  }

  async create(object: KubeObject, options: WriteOptions = {}): Promise<KubeObject> {
    const path = await pathOf(this.resources, collectionOf(object), this.namespace);
    const tail =
      options.subresource === undefined ? "" : `/${encodeURIComponent(object.metadata.name)}/${options.subresource}`;
    return this.#object("POST", path + tail, { body: object, query: writeQuery(options), ...signalOf(options) });
  }

  async replace(object: KubeObject, options: WriteOptions = {}): Promise<KubeObject> {
    const path = await pathOf(this.resources, refOf(object), this.namespace, options.subresource);
    return this.#object("PUT", path, { body: object, query: writeQuery(options), ...signalOf(options) });
  }

  async patch(ref: ObjectRef, patch: unknown, options: PatchOptions = {}): Promise<KubeObject> {
    const response = await this.#patch(ref, patch, options);
    return toKubeObject(await response.json());
  }

  async #patch(ref: ObjectRef, patch: unknown, options: PatchOptions): Promise<Response> {
    const type = options.type ?? "merge";
    const query = {
      ...writeQuery(options),
      ...(type === "apply" && { fieldManager: options.fieldManager ?? "heddle", force: options.force === true }),
    };
    const path = await pathOf(this.resources, ref, this.namespace, options.subresource);
    return this.request("PATCH", path, { body: patch, contentType: PATCH_TYPE[type], query, ...signalOf(options) });
  }

  async delete(ref: ObjectRef, options: KubeDeleteOptions = {}): Promise<boolean> {
    const { gracePeriodSeconds, propagationPolicy = "Background" } = options;
    const path = await pathOf(this.resources, ref, this.namespace);
    const body = {
      apiVersion: "v1",
      kind: "DeleteOptions",
      propagationPolicy,
      ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    };
    try {
      await (await this.request("DELETE", path, { body, ...signalOf(options) })).arrayBuffer();
      return true;
    } catch (error) {
      if (isKubeError(error, 404)) return false;
      throw error;
    }
  }

  applyObjects(objects: readonly KubeObject[], options?: ApplyObjectsOptions): Promise<readonly Applied[]> {
    const applier = {
      get: (ref: ObjectRef) => this.get(ref),
      applyOne: async (
        object: KubeObject,
        settings: { readonly fieldManager: string; readonly force: boolean; readonly signal?: AbortSignal },
      ) => {
        const response = await this.#patch(refOf(object), object, { type: "apply", ...settings });
        return { object: toKubeObject(await response.json()), created: response.status === 201 };
      },
    };
    return applyObjects(applier, objects, options);
  }

  watch(
    type: ResourceType & { readonly namespace?: string },
    handlers: WatchHandlers,
    options: WatchOptions = {},
  ): Watch {
    const { labelSelector, fieldSelector } = options;
    const source = {
      list: async (signal: AbortSignal) =>
        this.#list(await pathOf(this.resources, type, undefined), { ...options, signal }),
      open: async (query: RequestOptions["query"], signal: AbortSignal) => {
        const path = await pathOf(this.resources, type, undefined);
        const response = await this.request("GET", path, { query: { ...query, labelSelector, fieldSelector }, signal });
        if (response.body === null)
          throw new KubeError(
            response.status,
            "InvalidResponse",
            `${path}: the API server answered a watch without a body`,
          );
        return response.body;
      },
    };
    const watch = createWatch(source, handlers, this.#clock, this.#random);
    // The clock's timers don't keep the process alive; a program that only watches would end while it waits to reconnect.
    const alive = setInterval(() => {}, 3_600_000);
    return {
      close() {
        clearInterval(alive);
        watch.close();
      },
    };
  }

  proxyRequest(target: ProxyTarget, method: string, path: string, options: RequestOptions = {}): Promise<Response> {
    const { query, ...rest } = options;
    return this.request(method, proxyPath(target, path) + queryText(query), { accept: "*/*", ...rest });
  }

  portForward(namespace: string, pod: string, port: number, signal?: AbortSignal): Promise<Duplex> {
    return openPortForward(this.#transport, namespace, pod, port, signal);
  }

  exec(namespace: string, pod: string, command: readonly string[], options?: ExecOptions): Promise<ExecSession> {
    return openExec(this.#transport, namespace, pod, command, options);
  }

  async #object(method: string, path: string, options: RequestOptions): Promise<KubeObject> {
    return toKubeObject(await (await this.request(method, path, options)).json());
  }
}

/** Names an object that is at hand. */
export function refOf(object: KubeObject): ObjectRef {
  return { ...collectionOf(object), name: object.metadata.name };
}

function collectionOf(object: KubeObject): {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
} {
  const { apiVersion, kind, metadata } = object;
  return { apiVersion, kind, ...(metadata.namespace !== undefined && { namespace: metadata.namespace }) };
}

function writeQuery(options: WriteOptions): {
  readonly fieldManager: string | undefined;
  readonly dryRun: string | undefined;
} {
  return { fieldManager: options.fieldManager, dryRun: options.dryRun === true ? "All" : undefined };
}

function signalOf(options: { readonly signal?: AbortSignal }): { readonly signal?: AbortSignal } {
  return options.signal === undefined ? {} : { signal: options.signal };
}
