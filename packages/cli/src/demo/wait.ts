import type { KubeClient, KubeObject } from "@heddle/kube-client";
import { isReady } from "../check/categories/control-plane.ts";
import { UsageError } from "../context.ts";
import { at, listOf, textOf } from "../json-view.ts";

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
 * Errors: UsageError with what each pod waits for when `timeoutMs` is over.
 */
export async function waitForPods(
  kube: KubeClient,
  namespace: string,
  expected: number,
  timeoutMs: number,
  note: (text: string) => void,
): Promise<readonly KubeObject[]> {
  const pods = new Map<string, KubeObject>();
  return new Promise((resolve, reject) => {
    const finish = (end: () => void) => {
      watch.close();
      clearTimeout(timer);
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

/**
 * Waits until a page answers with success: a program without a readiness probe is ready before it listens.
 * Errors: UsageError with the last answer when `timeoutMs` is over.
 */
export async function waitForPage(url: string, timeoutMs: number, note: (text: string) => void): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const left = end - performance.now();
    const answer = await fetch(url, { signal: AbortSignal.timeout(Math.max(1, Math.min(left, 5_000))) }).then(
      (response) => (response.ok ? undefined : `HTTP ${response.status}`),
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    if (answer === undefined) return;
    note(answer);
    if (left <= 0) throw new UsageError(`${url} does not answer after ${timeoutMs / 1000} s: ${answer}`);
    await Bun.sleep(50);
  }
}
