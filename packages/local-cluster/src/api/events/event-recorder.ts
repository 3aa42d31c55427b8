import type { KubeObject } from "../../contract/index.ts";
import { namespaceOf } from "../json/kube-object.ts";

/** Writes `v1/Event` objects, one for each distinct sentence about an object, with a count. */
export interface EventRecorder {
  record(about: KubeObject, type: "Normal" | "Warning", reason: string, message: string, component: string): void;
}

export interface EventRecorderDeps {
  /** RFC 3339, seconds. */
  readonly now: () => string;
  readonly suffix: () => string;
  readonly nodeName: string;
  write(event: KubeObject): Promise<KubeObject>;
  bump(namespace: string, name: string, count: number, lastTimestamp: string): Promise<unknown>;
  onFailure(error: unknown): void;
}

interface Seen {
  readonly namespace: string;
  readonly name: string;
  count: number;
}

/** Distinct events that are remembered for counting; older ones start over with a new object. */
const REMEMBERED = 4096;

export function createEventRecorder(deps: EventRecorderDeps): EventRecorder {
  const seen = new Map<string, Seen>();
  /** Keeps the writes of one event in order. */
  let tail: Promise<unknown> = Promise.resolve();

  function enqueue(write: () => Promise<unknown>): void {
    tail = tail.then(write).catch(deps.onFailure);
  }

  return {
    record(about, type, reason, message, component) {
      const namespace = namespaceOf(about) === "" ? "default" : namespaceOf(about);
      const key = [
        about.kind,
        namespace,
        about.metadata.name,
        about.metadata.uid,
        type,
        reason,
        message,
        component,
      ].join("\u0000");
      const now = deps.now();
      const known = seen.get(key);
      if (known) {
        known.count++;
        const { count } = known;
        enqueue(() => deps.bump(known.namespace, known.name, count, now));
        return;
      }
      const name = `${about.metadata.name}.${deps.suffix()}${deps.suffix()}${deps.suffix()}`;
      if (seen.size >= REMEMBERED) {
        const oldest = seen.keys().next().value;
        if (oldest !== undefined) seen.delete(oldest);
      }
      seen.set(key, { namespace, name, count: 1 });
      enqueue(() =>
        deps.write({
          apiVersion: "v1",
          kind: "Event",
          metadata: { name, namespace },
          involvedObject: {
            apiVersion: about.apiVersion,
            kind: about.kind,
            name: about.metadata.name,
            ...(about.metadata.namespace === undefined ? {} : { namespace: about.metadata.namespace }),
            uid: about.metadata.uid,
            resourceVersion: about.metadata.resourceVersion,
          },
          type,
          reason,
          message,
          count: 1,
          firstTimestamp: now,
          lastTimestamp: now,
          source: { component, ...(component === "kubelet" ? { host: deps.nodeName } : {}) },
          reportingComponent: component,
          reportingInstance: component === "kubelet" ? deps.nodeName : "",
        }),
      );
    },
  };
}
