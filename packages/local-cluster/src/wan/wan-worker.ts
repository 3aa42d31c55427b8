import { addRoute, createLibc, linkIndex, NETLINK_ROUTE, openNetlinkSocket, runCommands } from "@heddle/netlink";
import { WAN_DEVICE } from "./wan-addresses.ts";
import { createWanLink, type WanLinkOptions } from "./wan-link.ts";

/** What the link's thread is told; the rest it makes itself. */
export interface WanWorkerOptions extends Omit<WanLinkOptions, "random" | "addRoute"> {
  /** What the node bears outside. Undefined: the node is not ours, and its routes stay as they are. */
  readonly source: string | undefined;
}

/** The link's thread: it waits in the kernel for packets, which no event loop may. It ends with the process. */
declare const self: Worker;

self.onmessage = ({ data: { source, ...options } }: MessageEvent<WanWorkerOptions>) => {
  const link = createWanLink({
    ...options,
    random: Math.random,
    addRoute: (address) => source !== undefined && routeTo(address, source),
  });
  for (;;) link.turn();
};

/** Stays when the network goes: packets are then answered "host unreachable", as those to a cluster that is gone. */
function routeTo(address: string, source: string): void {
  try {
    const socket = openNetlinkSocket(createLibc(), NETLINK_ROUTE);
    try {
      runCommands(socket, [addRoute({ to: `${address}/32`, device: linkIndex(socket, WAN_DEVICE), source })]);
    } finally {
      socket.close();
    }
  } catch (error) {
    // One network less is no reason to lose the line to all others.
    self.postMessage(`${address}: ${error instanceof Error ? error.message : error}`);
  }
}
