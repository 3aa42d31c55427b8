import { createWanLink, type WanLinkOptions } from "./wan-link.ts";

/** The link's thread: it waits in the kernel for packets, which no event loop may. It ends with the process. */
declare const self: Worker;

self.onmessage = (event: MessageEvent<Omit<WanLinkOptions, "random">>) => {
  const link = createWanLink({ ...event.data, random: Math.random });
  for (;;) link.turn();
};
