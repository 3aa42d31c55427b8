// Hot path: once per answer.
import type { RequestHead, ResponseHead } from "@heddle/wire";
import type { HttpManager } from "./connection-manager.ts";
import type { LoggedExchange } from "./early-lines.ts";

/** Whether both directions go on as raw bytes behind this answer. */
export function opensTunnel(request: RequestHead, head: ResponseHead): boolean {
  return head.status === 101 || (request.method === "CONNECT" && head.status < 300);
}

/** Marks, counts and logs it. */
export function noteTunnel(exchange: LoggedExchange & { tunnel: boolean }, manager: HttpManager): void {
  exchange.tunnel = true;
  manager.counters.upgrades++;
  manager.counters.upgradesActive++;
  manager.earlyLines?.tunnelOpened(exchange);
}
