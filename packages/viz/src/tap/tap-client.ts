import type { KubeClient } from "@heddle/kube-client";
import type { TapEvent } from "@heddle/std/tap-event";
import type { Inventory, PodInfo } from "../inventory.ts";
import { createHttpLines } from "./http-lines.ts";
import { type NamedTapEvent, readTapLine } from "./tap-event.ts";

/** The proxy's admin port: on the pod's loopback interface only. Source: docs/decisions/0001. */
const ADMIN_PORT = 15000;
/** Where the agent of a pod with Envoy has it: also on the loopback interface only. */
const ENVOY_TAP_PORT = 15_004;

export interface TapOptions {
  /** Units: events per second and pod. */
  readonly maxRps: number;
  /** Whether the failures before now come first. */
  readonly recent: boolean;
  /** Whether what happens from now on comes too. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
  onEvent(event: NamedTapEvent): void;
  /** Events were left out: the pod had more than the limit. */
  onDropped(count: number): void;
}

/**
 * Watches pods through the API server's port-forward: whoever may not forward a port of a pod may not watch it. Settles when all streams
 * have ended; the answer says, per pod that could not be watched, why.
 */
export async function tapPods(
  kube: KubeClient,
  pods: readonly PodInfo[],
  inventory: Inventory,
  options: TapOptions,
): Promise<readonly string[]> {
  const name = nameEvents(inventory);
  const problems = await Promise.all(
    pods.map(async (pod) => {
      const where = `${pod.namespace}/${pod.name}`;
      if (!pod.meshed) return `${where}: it has no proxy that could be watched; inject it first`;
      try {
        return await tapOne(kube, pod, options, (event) => options.onEvent(name(pod, event)));
      } catch (error) {
        return options.signal.aborted ? "" : `${where}: ${error instanceof Error ? error.message : String(error)}`;
      }
    }),
  );
  return problems.filter((p) => p !== "");
}

/** Asks the proxy, then the agent beside an Envoy. */
async function tapOne(
  kube: KubeClient,
  pod: PodInfo,
  options: TapOptions,
  onEvent: (event: TapEvent) => void,
): Promise<string> {
  const { signal } = options;
  let reader = await readTap(kube, pod, ADMIN_PORT, options, onEvent);
  if (!signal.aborted && !ANSWERS.has(reader.status))
    reader = await readTap(kube, pod, ENVOY_TAP_PORT, options, onEvent);
  if (signal.aborted || reader.status === 200) return "";
  const where = `${pod.namespace}/${pod.name}`;
  if (reader.status === 0) return `${where}: the proxy ended the connection without an answer`;
  if (reader.status === 403) return `${where}: ${reader.rest().trim()}`;
  return `${where}: its proxy has no tap (HTTP ${reader.status}); restart the pod, so that it gets the proxy of this version`;
}

/** 200 is the stream, 403 an opt-out. */
const ANSWERS: ReadonlySet<number> = new Set([200, 403]);

async function readTap(
  kube: KubeClient,
  pod: PodInfo,
  port: number,
  { signal, ...options }: TapOptions,
  onEvent: (event: TapEvent) => void,
): Promise<ReturnType<typeof createHttpLines>> {
  const socket = await kube.portForward(pod.namespace, pod.name, port, signal);
  const reader = createHttpLines((line) => {
    const event = readTapLine(line);
    if (event === undefined) return;
    if ("dropped" in event) options.onDropped(event.dropped);
    else onEvent(event);
  });
  const query = `max_rps=${options.maxRps}${options.recent ? "&recent" : ""}${options.follow ? "" : "&follow=false"}`;
  await new Promise<void>((resolve, reject) => {
    const end = () => {
      signal.removeEventListener("abort", end);
      socket.destroy();
      resolve();
    };
    signal.addEventListener("abort", end);
    socket.on("data", (piece: Buffer) => {
      reader.push(piece);
      if (reader.ended) end();
    });
    socket.on("end", end);
    socket.on("close", end);
    socket.on("error", (error: Error) => (signal.aborted ? end() : reject(error)));
    socket.write(`GET /tap?${query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    if (signal.aborted) end();
  });
  return reader;
}

/** Names addresses by the pods that have them. */
function nameEvents(inventory: Inventory): (pod: PodInfo, event: TapEvent) => NamedTapEvent {
  const byIp = new Map(inventory.pods().flatMap((p) => (p.ip === "" ? [] : [[p.ip, p] as const])));
  const nameOf = (pod: PodInfo | undefined, address: string) => ({
    name: pod ? (pod.owners[0]?.name ?? pod.name) : address,
    namespace: pod?.namespace ?? "",
    pod: pod?.name ?? "",
  });
  return (pod, event) => {
    const self = nameOf(pod, "");
    const other = (address: string) => nameOf(byIp.get(address.slice(0, address.lastIndexOf(":"))), address);
    const src = event.direction === "out" ? self : other(event.src);
    const dst = event.direction === "in" ? self : other(event.dst);
    return {
      ...event,
      namespace: pod.namespace,
      pod: pod.name,
      srcName: src.name,
      srcNamespace: src.namespace,
      srcPod: src.pod,
      dstName: dst.name,
      dstNamespace: dst.namespace,
      dstPod: dst.pod,
    };
  };
}
