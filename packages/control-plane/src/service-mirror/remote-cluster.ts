import { type PodView, readEndpointSlice, readPod } from "@heddle/config";
import { type ClusterAccess, type KubeClient, kubeClientFor } from "@heddle/kube-client";
import type { ClusterContent } from "@heddle/model";
import type { Clock, ClockTimer, Logger } from "@heddle/std";
import { createObjectTable, type ObjectTable } from "./object-table.ts";
import { trustAnchors } from "./trust-anchors.ts";

/** Another cluster's Services, endpoints and pods, kept while it can't be reached. */
export interface RemoteCluster {
  /** Undefined until everything was listed once. */
  readonly content: ClusterContent | undefined;
  /** Why it can't be asked now, as a sentence; "" when it can. */
  readonly problem: string;
  /** Its roots, PEM; undefined until they were read. */
  readonly anchors: string | undefined;
  close(): void;
}

export interface RemoteClusterOptions {
  readonly access: ClusterAccess;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly userAgent: string;
  onChange(): void;
}

/** How often the API server is asked whether it is there. Units: ms. */
const CHECK_EVERY_MS = 10_000;
const CHECK_TIMEOUT_MS = 5_000;
/** A failure that was not repeated for so long is over: watches try again at least every 30 s. Units: ms. */
const FAILURE_LASTS_MS = 90_000;

export function watchRemoteCluster(options: RemoteClusterOptions): RemoteCluster {
  const { access, clock, random, log, onChange } = options;
  const kube: KubeClient = kubeClientFor(access, { clock, random, userAgent: options.userAgent });
  const failures = new Map<string, { readonly reason: string; readonly atMs: number }>();
  const failed = (what: string, error: unknown): void => {
    const reason = error instanceof Error ? error.message : String(error);
    if (failures.get(what)?.reason !== reason) log.warn("the linked cluster can't be asked", { what, reason });
    failures.set(what, { reason, atMs: clock.monotonic() });
    onChange();
  };
  const table = (group: string, resource: string): ObjectTable =>
    createObjectTable(
      kube,
      { group, version: "v1", resource },
      {
        always: true,
        onChange: () => {
          failures.delete(resource);
          onChange();
        },
        onError: (error) => failed(resource, error),
      },
    );
  const services = table("", "services");
  const slices = table("discovery.k8s.io", "endpointslices");
  const pods = table("", "pods");

  const closing = new AbortController();
  let anchors: string | undefined;
  /** Accounts that other tools made may not read them: then nothing is known. */
  const readAnchors = async (signal: AbortSignal): Promise<void> => {
    const read = await trustAnchors(kube, signal).catch(() => anchors);
    if (read === anchors) return;
    anchors = read;
    onChange();
  };
  const check = async (): Promise<void> => {
    try {
      const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(CHECK_TIMEOUT_MS)]);
      await (await kube.request("GET", "/version", { signal })).arrayBuffer();
      if (failures.delete("version")) onChange();
      await readAnchors(signal);
    } catch (error) {
      if (closing.signal.aborted) return;
      const late = error instanceof Error && error.name === "TimeoutError";
      failed(
        "version",
        late ? `${access.server} did not answer within ${CHECK_TIMEOUT_MS / 1000} s; is the line up?` : error,
      );
    }
  };
  void check();
  const timer: ClockTimer = clock.every(CHECK_EVERY_MS, () => void check());
  return {
    get content() {
      if (!services.synced || !slices.synced || !pods.synced) return undefined;
      const podViews = new Map<string, PodView>();
      for (const [key, pod] of pods.objects) podViews.set(key, readPod(pod));
      return {
        services: [...services.objects.values()],
        slices: [...slices.objects.values()].map(readEndpointSlice),
        pods: podViews,
      };
    },
    get problem() {
      const now = clock.monotonic();
      return [...failures.values()].find(({ atMs }) => now - atMs < FAILURE_LASTS_MS)?.reason ?? "";
    },
    get anchors() {
      return anchors;
    },
    close() {
      closing.abort();
      timer.cancel();
      for (const one of [services, slices, pods]) one.close();
    },
  };
}
