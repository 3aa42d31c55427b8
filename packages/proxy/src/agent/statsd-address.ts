import type { Logger } from "@heddle/std";
import { parseAddress, type SocketAddress } from "../transport/address.ts";

/** ProxyConfig's `statsdUdpAddress`. What is no address is logged and nothing is sent. Default: undefined. */
export function statsdAddress(
  proxyConfig: Readonly<Record<string, unknown>>,
  log: Pick<Logger, "error">,
): SocketAddress | undefined {
  const text = proxyConfig["statsdUdpAddress"];
  if (text === undefined || text === "") return undefined;
  const address = typeof text === "string" ? parseAddress(text) : undefined;
  if (address === undefined)
    log.error(
      "statsdUdpAddress of ProxyConfig can't be used, so no statistics are sent; write IP:PORT, as in 10.0.0.9:9125",
      {
        statsdUdpAddress: text,
      },
    );
  return address;
}
