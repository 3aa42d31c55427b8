import {
  isKubeError,
  type KubeClient,
  type KubeObject,
  type ResourceType,
  type Watch,
  type WatchOptions,
} from "@heddle/kube-client";

/** All objects of one kind, as last heard of. */
export interface ObjectTable {
  readonly objects: ReadonlyMap<string, KubeObject>;
  /** Listed at least once. */
  readonly synced: boolean;
  close(): void;
}

export interface TableOptions extends WatchOptions {
  readonly namespace?: string;
  /**
   * True for kinds that every API server has: one that says it has none is not the one that is meant (an address that belongs to
   * somebody else by now), and what was known stays.
   */
  readonly always: boolean;
  onChange(): void;
  onError?(error: Error): void;
}

export function createObjectTable(
  kube: KubeClient,
  type: { readonly group: string; readonly version: string; readonly resource: string },
  options: TableOptions,
): ObjectTable {
  const { namespace, always, onChange, onError, ...selectors } = options;
  const objects = new Map<string, KubeObject>();
  /** What the listing at hand took away; given back when it turns out to have been a refusal. */
  let taken: [string, KubeObject][] = [];
  let synced = false;
  let said = false;
  const forget = () => {
    taken = [];
    if (said) synced = true;
    onChange();
  };
  const scope: ResourceType & { readonly namespace?: string } = namespace === undefined ? type : { ...type, namespace };
  const watch: Watch = kube.watch(
    scope,
    {
      onSync: () => {
        said = true;
        queueMicrotask(forget);
      },
      onEvent: ({ type: change, object }) => {
        const key = `${object.metadata.namespace ?? ""}/${object.metadata.name}`;
        if (change === "DELETED") {
          const before = objects.get(key);
          if (before !== undefined && taken.push([key, before]) === 1) queueMicrotask(forget);
          objects.delete(key);
        } else {
          objects.set(key, object);
          onChange();
        }
      },
      onError: (error) => {
        if (always && isKubeError(error, 404)) {
          for (const [key, object] of taken) objects.set(key, object);
          if (!synced) said = false;
        }
        onError?.(error);
      },
    },
    selectors,
  );
  return {
    objects,
    get synced() {
      return synced;
    },
    close: () => watch.close(),
  };
}
