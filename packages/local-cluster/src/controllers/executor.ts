import { assertNever } from "@heddle/std";
import { ApiError, type ClusterApi, type KubeObject } from "../contract/index.ts";
import type { Action, CreateAction, DeleteAction, Tell } from "./action.ts";

/** Does what plans ask for. */
export interface Executor {
  /**
   * In order, except that neighbouring creations (and deletions) run side by side. All are tried.
   * Errors: rejects with the first failure.
   */
  run(actions: readonly Action[]): Promise<void>;
}

export interface ExecutorOptions {
  readonly api: ClusterApi;
  /** `source.component` of events: "deployment-controller". */
  readonly component: string;
  /** Every object that a write returned. */
  onWritten(action: Action, object: KubeObject): void;
}

export function createExecutor(options: ExecutorOptions): Executor {
  const { api, component } = options;

  function tell(about: Tell | undefined, object: KubeObject, error: unknown): void {
    const what = error === undefined ? about?.success : about?.failure;
    if (about === undefined || what === undefined) return;
    const message = what.message.replace("NAME", object.metadata.name);
    if (error === undefined) api.event(about.about, "Normal", what.reason, message, component);
    else
      api.event(
        about.about,
        "Warning",
        what.reason,
        `${message}: ${error instanceof Error ? error.message : String(error)}`,
        component,
      );
  }

  async function create(action: CreateAction): Promise<void> {
    try {
      const made = await api.create(action.resource, action.object);
      options.onWritten(action, made);
      tell(action.tell, made, undefined);
    } catch (error) {
      if (action.mayExist === true && error instanceof ApiError && error.reason === "AlreadyExists") return;
      // The namespace is going away, and everything in it.
      if (error instanceof ApiError && error.message.includes("because it is being terminated")) return;
      tell(action.tell, action.object, error);
      throw error;
    }
  }

  async function remove(action: DeleteAction): Promise<void> {
    const { namespace, name, uid } = action.object.metadata;
    try {
      await api.delete(action.resource, namespace, name, { ...(uid !== undefined && { uid }), ...action.options });
      tell(action.tell, action.object, undefined);
    } catch (error) {
      if (error instanceof ApiError && (error.code === 404 || (error.code === 409 && error.message.includes("UID"))))
        return;
      tell(action.tell, action.object, error);
      throw error;
    }
  }

  async function one(action: Action): Promise<void> {
    switch (action.kind) {
      case "create":
        return create(action);
      case "delete":
        return remove(action);
      case "patch": {
        const { namespace, name, resourceVersion } = action.object.metadata;
        const patch =
          action.ifUnchanged === true
            ? { ...action.patch, metadata: { ...metadataOf(action.patch), resourceVersion } }
            : action.patch;
        try {
          options.onWritten(action, await api.patch(action.resource, namespace, name, patch, action.subresource));
          tell(action.tell, action.object, undefined);
        } catch (error) {
          if (error instanceof ApiError && error.code === 404) return;
          tell(action.tell, action.object, error);
          throw error;
        }
        return;
      }
      case "status":
        try {
          options.onWritten(
            action,
            await api.updateStatus(action.resource, { ...action.object, status: action.status }),
          );
        } catch (error) {
          if (!(error instanceof ApiError && error.code === 404)) throw error;
        }
        return;
      case "event":
        api.event(action.about, action.type, action.reason, action.message, component);
        return;
      default:
        return assertNever(action);
    }
  }

  return {
    async run(actions) {
      const failures: unknown[] = [];
      for (let start = 0; start < actions.length; ) {
        let end = start + 1;
        while (end < actions.length && sideBySide(actions[start], actions[end])) end++;
        const outcomes = await Promise.allSettled(actions.slice(start, end).map(one));
        for (const outcome of outcomes) if (outcome.status === "rejected") failures.push(outcome.reason);
        start = end;
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}

function sideBySide(first: Action | undefined, next: Action | undefined): boolean {
  return first?.kind === next?.kind && (first?.kind === "create" || first?.kind === "delete");
}

function metadataOf(patch: Readonly<Record<string, unknown>>): object {
  const metadata = patch["metadata"];
  return typeof metadata === "object" && metadata !== null ? metadata : {};
}
