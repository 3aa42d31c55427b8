// Hot path: once per answer, and of tunnels when one side ends.
import { HTTP_2, type RequestHead, type ResponseHead } from "@heddle/wire";
import { type Rescue, rescue, rescueStarted } from "../rescue.ts";
import type { CompiledRoute } from "../router/route-table.ts";
import { upstreamFailure } from "../upstream/failure.ts";
import type { HttpManager } from "./connection-manager.ts";
import type { LoggedExchange } from "./early-lines.ts";
import { endsTunnel } from "./forward-request.ts";

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

/** One side of a tunnel has ended its direction before the other. Over HTTP/1 only the connection's end says so. Source: Envoy's flags. */
export function noteTunnelEnd(exchange: OpenTunnel, byClient: boolean): void {
  if (byClient) {
    if (exchange.request.version !== HTTP_2) note(exchange, rescue("downstream-gone"));
    return;
  }
  const action = exchange.route?.route.action;
  const raw =
    action?.kind === "forward" && action.connect !== undefined && endsTunnel(action.connect, exchange.request);
  if (exchange.upstreamVersion !== HTTP_2 && !raw)
    note(exchange, rescueStarted(upstreamFailure("connection-closed", "")));
}

function note(exchange: OpenTunnel, { flag, details }: Rescue): void {
  exchange.addFlag(flag);
  exchange.details = details;
}

/** The part of an exchange that is marked. */
interface OpenTunnel {
  readonly request: RequestHead;
  readonly route: CompiledRoute | undefined;
  readonly upstreamVersion: number;
  details: string;
  addFlag(flag: string): void;
}
