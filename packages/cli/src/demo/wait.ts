import type { KubeClient, KubeObject } from "@heddle/kube-client";
import { at, listOf, textOf } from "@heddle/std";
import { isReady } from "../check/categories/control-plane.ts";
import { UsageError } from "../context.ts";

/** `3/4 pods ready`, and what the first of the others waits for. */
export function progressOf(
  pods: readonly KubeObject[],
  expected = 0,
): { readonly ready: number; readonly text: string } {
  const waiting = pods.filter((p) => !isReady(p));
  const first = waiting[0];
  const reason = first ? `, ${first.metadata.name}: ${waitingReason(first)}` : "";
  return {
    ready: pods.length - waiting.length,
    text: `${pods.length - waiting.length}/${Math.max(pods.length, expected)} pods ready${reason}`,
  };
}

function waitingReason(pod: KubeObject): string {
  const statuses = [
    ...listOf(at(pod, "status", "initContainerStatuses")),
    ...listOf(at(pod, "status", "containerStatuses")),
  ];
  for (const status of statuses) {
    const waiting = at(status, "state", "waiting");
    const reason = textOf(at(waiting, "reason"));
    if (reason && reason !== "PodInitializing" && reason !== "ContainerCreating") {
      return `${textOf(at(status, "name"))} ${reason}: ${textOf(at(waiting, "message"))}`;
    }
  }
  return textOf(at(pod, "status", "phase")) || "Pending";
}

/**
 * Waits until `expected` pods of a namespace are ready.
 * Errors: UsageError with what each pod waits for when `timeoutMs` is over; the reason of `signal` when that is sooner.
 */
export async function waitForPods(
  kube: KubeClient,
  namespace: string,
  expected: number,
  timeoutMs: number,
  note: (text: string) => void,
  signal?: AbortSignal,
): Promise<readonly KubeObject[]> {
  signal?.throwIfAborted();
  const pods = new Map<string, KubeObject>();
  return new Promise((resolve, reject) => {
    const stop = () => finish(() => reject(signal?.reason));
    signal?.addEventListener("abort", stop);
    const finish = (end: () => void) => {
      watch.close();
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      end();
    };
    const look = () => {
      const all = [...pods.values()].filter((p) => p.metadata.deletionTimestamp === undefined);
      const { ready, text } = progressOf(all, expected);
      note(text);
      if (all.length >= expected && ready === all.length) finish(() => resolve(all));
    };
    const timer = setTimeout(
      () =>
        finish(() =>
          reject(
            new UsageError(
              `namespace ${namespace}: ${progressOf([...pods.values()], expected).text} after ${timeoutMs / 1000} s; look at kubectl -n ${namespace} describe pods`,
            ),
          ),
        ),
      timeoutMs,
    );
    const watch = kube.watch(
      { apiVersion: "v1", kind: "Pod", namespace },
      {
        onEvent: ({ type, object }) => {
          if (type === "DELETED") pods.delete(object.metadata.name);
          else pods.set(object.metadata.name, object);
          look();
        },
      },
    );
  });
}

/** How long an accepted connection must last: one to a port where nobody listens ends at once. Units: ms. */
const ACCEPTED_MS = 100;

/**
 * Waits until every declared port of the pods listens: a program without a readiness probe is ready before that. Asks by port-forward, past
 * the sidecars, so that nothing is counted.
 * Errors: UsageError with the first port that is still closed when `timeoutMs` is over.
 */
export async function waitForPorts(
  kube: KubeClient,
  pods: readonly KubeObject[],
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  await Promise.all(
    pods.flatMap((pod) =>
      portsOf(pod).map(async (port) => {
        while (!(await listens(kube, pod, port))) {
          signal?.throwIfAborted();
          if (performance.now() > end)
            throw new UsageError(
              `nothing listens on port ${port} of pod ${pod.metadata.name} after ${timeoutMs / 1000} s; look at kubectl logs ${pod.metadata.name}`,
            );
          await Bun.sleep(50);
        }
      }),
    ),
  );
}

function portsOf(pod: KubeObject): readonly number[] {
  return listOf(at(pod, "spec", "containers"))
    .filter((container) => textOf(at(container, "name")) !== "istio-proxy")
    .flatMap((container) => listOf(at(container, "ports")).map((port) => Number(at(port, "containerPort"))));
}

async function listens(kube: KubeClient, pod: KubeObject, port: number): Promise<boolean> {
  try {
    const stream = await kube.portForward(pod.metadata.namespace ?? "default", pod.metadata.name, port);
    const ended = new Promise<false>((resolve) => {
      stream.once("error", () => resolve(false));
      stream.once("close", () => resolve(false));
      stream.once("end", () => resolve(false));
      stream.resume();
    });
    const accepted = await Promise.race([ended, Bun.sleep(ACCEPTED_MS).then(() => true)]);
    stream.on("error", () => {});
    stream.destroy();
    return accepted;
  } catch {
    return false;
  }
}
