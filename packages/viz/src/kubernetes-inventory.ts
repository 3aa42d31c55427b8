import type { KubeClient, KubeEvent, Watch } from "@heddle/kube-client";
import type { Logger } from "@heddle/std";
import { type Inventory, type PodInfo, podInfo, type ServiceInfo, serviceInfo } from "./inventory.ts";

export interface WatchedInventory extends Inventory {
  readonly synced: boolean;
  close(): void;
}

/** Follows pods and Services of the whole cluster. */
export function watchInventory(kube: KubeClient, log: Logger): WatchedInventory {
  const pods = new Map<string, PodInfo>();
  const services = new Map<string, ServiceInfo>();
  let unsynced = 2;
  const follow = <T>(kind: string, into: Map<string, T>, read: (object: unknown) => T): Watch =>
    kube.watch(
      { apiVersion: "v1", kind },
      {
        onEvent: ({ type, object }: KubeEvent) => {
          const key = `${object.metadata.namespace ?? ""}/${object.metadata.name}`;
          if (type === "DELETED") into.delete(key);
          else into.set(key, read(object));
        },
        onSync: () => void unsynced--,
        onError: (error, retryInMs) =>
          log.warn("a watch broke and is tried again", { kind, error: error.message, retryInMs }),
      },
    );
  const watches = [follow("Pod", pods, podInfo), follow("Service", services, serviceInfo)];
  return {
    pods: () => [...pods.values()],
    services: () => [...services.values()],
    get synced() {
      return unsynced <= 0;
    },
    close: () => {
      for (const watch of watches) watch.close();
    },
  };
}

/** What exists now, read once. Errors: KubeError. */
export async function readInventory(kube: KubeClient): Promise<Inventory> {
  const [pods, services] = await Promise.all([
    kube.list({ apiVersion: "v1", kind: "Pod" }),
    kube.list({ apiVersion: "v1", kind: "Service" }),
  ]);
  const [podInfos, serviceInfos] = [pods.items.map(podInfo), services.items.map(serviceInfo)];
  return { pods: () => podInfos, services: () => serviceInfos };
}
