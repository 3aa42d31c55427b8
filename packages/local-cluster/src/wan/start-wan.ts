import {
  addAddress,
  addRoute,
  type Libc,
  linkIndex,
  NETLINK_ROUTE,
  openNetlinkSocket,
  runCommands,
  setLinkUp,
} from "@heddle/netlink";
import type { Logger } from "@heddle/std";
import type { ClusterNetworkPlan } from "../contract/index.ts";
import { MAX_CLUSTERS } from "../network/address-ranges.ts";
import { defaultPodPrefix } from "../network/plan.ts";
import { trySysctls } from "../network/sysctl.ts";
import { openLinkDevice, openLinkSocket } from "./link-device.ts";
import { linkFiles, writeLinkFile } from "./link-files.ts";
import { PERFECT_WAN } from "./link-settings.ts";
import { WAN_DEVICE, WAN_PREFIX } from "./wan-addresses.ts";
import type { WanWorkerOptions } from "./wan-worker.ts";

/** Units: datagrams that wait at a link; the kernel's own 10 would lose every burst. */
const QUEUE = "512";

/** Where an end of the line is and whose. */
export interface WanOptions {
  readonly libc: Libc;
  readonly plan: ClusterNetworkPlan;
  readonly index: number;
  readonly directory: string;
  readonly log: Logger;
  /** The node is not ours: its routes to other attached networks stay as they are. Default: false. */
  readonly attached?: boolean;
}

/**
 * Connects the node with other clusters. Call it in the node's network namespace, after `setUpNodeNetwork`. Where the machine has no TUN
 * device the cluster goes on alone: `heddle local wan` says why, and so does the result.
 */
export function startWan({ libc, plan, index, directory, log, attached = false }: WanOptions): string | undefined {
  const files = linkFiles(directory);
  const device = openLinkDevice(libc, WAN_DEVICE);
  if (!device.ok) {
    writeLinkFile(files.state, { problem: device.reason, settings: PERFECT_WAN, peers: {} });
    return device.reason;
  }
  connectDevice(libc, plan, index);
  trySysctls({ "net.unix.max_dgram_qlen": QUEUE });
  const socket = openLinkSocket(libc, files.socket);
  const worker = new Worker(new URL("./wan-worker.ts", import.meta.url).href);
  worker.addEventListener("error", (event) => log.error("the link to other clusters broke", { error: event.message }));
  worker.addEventListener("message", ({ data }) => log.warn("no route to an attached network", { reason: data }));
  const source = attached ? undefined : plan.externalIp;
  worker.postMessage({
    index,
    flat: plan.flat,
    device: device.fd,
    socket,
    directory,
    source,
  } satisfies WanWorkerOptions);
  worker.unref();
  return undefined;
}

function connectDevice(libc: Libc, plan: ClusterNetworkPlan, index: number): void {
  const socket = openNetlinkSocket(libc, NETLINK_ROUTE);
  try {
    const device = linkIndex(socket, WAN_DEVICE);
    const others = Array.from({ length: MAX_CLUSTERS }, (_, i) => i).filter((i) => plan.flat && i !== index);
    runCommands(socket, [
      setLinkUp(WAN_DEVICE),
      addAddress(device, `${plan.externalIp}/32`),
      addRoute({ to: WAN_PREFIX, device, source: plan.externalIp }),
      ...others.map((i) => addRoute({ to: defaultPodPrefix(i), device, source: plan.externalIp })),
    ]);
  } finally {
    socket.close();
  }
}
