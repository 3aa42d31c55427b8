import type { KubeObject, ResourceId } from "./objects.ts";

/** What a list or a watch selects; selectors are in kubectl's syntax. */
export interface Selection {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export type WatchEventType = "ADDED" | "MODIFIED" | "DELETED";
export interface WatchEvent {
  readonly type: WatchEventType;
  readonly object: KubeObject;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Foreground" | "Background" | "Orphan";
  readonly uid?: string;
}

/**
 * The API as controllers, kubelet, DNS and service proxy use it, in process: same storage, validation, defaulting and admission as
 * over HTTPS, as user `system:masters`. Objects are frozen; a change is a new object through `update`.
 * Errors: every call rejects with `ApiError` (`code` 404, 409 Conflict/AlreadyExists, 422 Invalid …, `reason` as Kubernetes names it).
 */
export interface ClusterApi {
  get(resource: ResourceId, namespace: string | undefined, name: string): Promise<KubeObject>;
  list(resource: ResourceId, selection?: Selection): Promise<readonly KubeObject[]>;
  create(resource: ResourceId, object: KubeObject): Promise<KubeObject>;
  /** Optimistic: 409 when `metadata.resourceVersion` is given and old. */
  update(resource: ResourceId, object: KubeObject): Promise<KubeObject>;
  updateStatus(resource: ResourceId, object: KubeObject): Promise<KubeObject>;
  /** RFC 7386 merge patch; `subresource` "status" or "scale". */
  patch(
    resource: ResourceId,
    namespace: string | undefined,
    name: string,
    mergePatch: unknown,
    subresource?: string,
  ): Promise<KubeObject>;
  delete(resource: ResourceId, namespace: string | undefined, name: string, options?: DeleteOptions): Promise<void>;
  /** First every present object as ADDED, then `onSync` once, then changes in order, no gap, until closed. */
  watch(
    resource: ResourceId,
    selection: Selection,
    onEvent: (event: WatchEvent) => void,
    onSync?: () => void,
  ): { close(): void };
  /** Records a `v1/Event` on an object (what `kubectl describe` shows), counting repeats. */
  event(about: KubeObject, type: "Normal" | "Warning", reason: string, message: string, component: string): void;
}

export class ApiError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: unknown;
  constructor(code: number, reason: string, message: string, details?: unknown) {
    super(message);
    this.name = "ApiError";
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}
