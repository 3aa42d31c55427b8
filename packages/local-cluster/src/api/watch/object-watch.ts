import type { WatchEvent } from "../../contract/index.ts";
import { type ParsedSelection, select, selectChange } from "../read/selection.ts";
import type { Collection, Subscription } from "../store/collection.ts";

/** A watch inside the process: present objects, then `onSync`, then changes, in order and never from within a write. */
export function watchObjects(
  collection: Collection,
  selection: ParsedSelection,
  onEvent: (event: WatchEvent) => void,
  onSync: (() => void) | undefined,
  onFailure: (error: unknown) => void,
): Subscription {
  let queue: (WatchEvent | "sync")[] = [];
  let scheduled = false;
  let closed = false;

  function deliver(): void {
    scheduled = false;
    const batch = queue;
    queue = [];
    for (const event of batch) {
      if (closed) return;
      try {
        if (event === "sync") onSync?.();
        else onEvent(event);
      } catch (error) {
        onFailure(error);
      }
    }
  }

  function enqueue(event: WatchEvent | "sync"): void {
    queue.push(event);
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(deliver);
  }

  for (const object of select(collection.list(selection.namespace), selection)) enqueue({ type: "ADDED", object });
  enqueue("sync");
  const subscription = collection.subscribe((change) => {
    const event = selectChange(change, selection);
    if (event) enqueue({ type: event.type, object: event.object });
  });
  return {
    close() {
      closed = true;
      queue = [];
      subscription.close();
    },
  };
}
