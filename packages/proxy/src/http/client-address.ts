import { parseIp } from "@heddle/std";
import type { RequestHead } from "@heddle/wire";
import type { HttpManagerConfig } from "../config/http-manager.ts";
import type { ConnectionInfo } from "../listener/connection-info.ts";

/** The client behind the proxies that are trusted; for requests that `prepareRequest` has seen. Source: Envoy x-forwarded-for. */
export function clientIpOf(config: HttpManagerConfig, info: ConnectionInfo, request: RequestHead): string {
  return forwardedIp(config, request) ?? info.remote.ip;
}

/** The client that x-forwarded-for names, by the same rules; undefined: it is the connection's own. */
export function forwardedIp(config: HttpManagerConfig, request: RequestHead): string | undefined {
  if (config.useRemoteAddress && config.trustedHops === 0) return undefined;
  const list = (request.headers.getAll("x-forwarded-for") ?? "").split(",").map((item) => item.trim());
  // Our own entry for the peer stands last where we append.
  const appended = config.useRemoteAddress && !config.skipXffAppend ? 1 : 0;
  const back = config.useRemoteAddress ? config.trustedHops : config.trustedHops + 1;
  const found = list[list.length - appended - back];
  return found !== undefined && parseIp(found) !== undefined ? found : undefined;
}
