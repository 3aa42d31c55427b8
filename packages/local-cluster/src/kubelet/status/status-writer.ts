import { ApiError, type JsonObject, type KubeObject } from "../../contract/index.ts";
import type { NodeContext } from "../node-context.ts";

/** Brings a pod's status to the API; changes that come in quick succession become one write. */
export interface StatusWriter {
  request(): void;
  /** Resolves when the status as it is now has been written. */
  write(): Promise<void>;
  close(): void;
}

const PODS = { group: "", version: "v1", resource: "pods" } as const;

export function createStatusWriter(node: NodeContext, pod: () => KubeObject, status: () => JsonObject): StatusWriter {
  let requested = false;
  let closed = false;
  let last = "";
  let queue: Promise<void> = Promise.resolve();

  const send = async (): Promise<void> => {
    requested = false;
    if (closed) return;
    const next = status();
    const text = JSON.stringify(next);
    if (text === last) return;
    const { namespace, name } = pod().metadata;
    try {
      await node.api.patch(PODS, namespace, name, { status: next }, "status");
      last = text;
    } catch (error) {
      // A pod that was deleted by force has no status any more.
      if (error instanceof ApiError && error.code === 404) return;
      node.log.warn("pod status could not be written", { pod: name, error: String(error) });
      if (!closed) node.clock.after(1000, request);
    }
  };
  const write = (): Promise<void> => {
    queue = queue.then(send);
    return queue;
  };
  const request = (): void => {
    if (requested || closed) return;
    requested = true;
    queueMicrotask(() => void write());
  };
  return {
    request,
    write,
    close() {
      closed = true;
    },
  };
}
