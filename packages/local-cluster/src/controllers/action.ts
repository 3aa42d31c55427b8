import type { DeleteOptions, KubeObject, ResourceId } from "../contract/index.ts";

/** Something that a reconcile function wants done; it does nothing itself. */
export type Action = CreateAction | DeleteAction | PatchAction | StatusAction | EventAction;

/** Told on the object that caused the action, when it worked or failed. `NAME` in a message stands for the new object's name. */
export interface Tell {
  readonly about: KubeObject;
  readonly success?: { readonly reason: string; readonly message: string };
  readonly failure?: { readonly reason: string; readonly message: string };
}

export interface CreateAction {
  readonly kind: "create";
  readonly resource: ResourceId;
  readonly object: KubeObject;
  readonly tell?: Tell;
  /** An object of this name that is there already is no failure. */
  readonly mayExist?: boolean;
}

export interface DeleteAction {
  readonly kind: "delete";
  readonly resource: ResourceId;
  readonly object: KubeObject;
  readonly options?: DeleteOptions;
  readonly tell?: Tell;
}

/** RFC 7386 merge patch; `ifUnchanged` refuses it when the object is newer than the one seen. */
export interface PatchAction {
  readonly kind: "patch";
  readonly resource: ResourceId;
  readonly object: KubeObject;
  readonly patch: Readonly<Record<string, unknown>>;
  readonly subresource?: string;
  readonly ifUnchanged?: boolean;
  readonly tell?: Tell;
}

export interface StatusAction {
  readonly kind: "status";
  readonly resource: ResourceId;
  readonly object: KubeObject;
  readonly status: unknown;
}

export interface EventAction {
  readonly kind: "event";
  readonly about: KubeObject;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

/** The outcome of a reconcile function. */
export interface Plan {
  readonly actions: readonly Action[];
  /** Look again after so long although nothing changes. Units: ms. */
  readonly againInMs?: number;
}

export const NOTHING_TO_DO: Plan = { actions: [] };
