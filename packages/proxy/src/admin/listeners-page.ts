import type { JsonObject } from "@bufbuild/protobuf";
import type { ConfigAddress } from "../config/socket-address.ts";
import type { ListenerSet } from "../listener/listener-set.ts";
import { formatAddress } from "../transport/address.ts";

/** `/listeners` as text: `name::address`. */
export function listenersText(listeners: ListenerSet): string {
  let text = "";
  for (const listener of listeners.all()) text += `${listener.name}::${addressText(listener.address)}\n`;
  return text;
}

/** `/listeners?format=json`. Source: `envoy.admin.v3.Listeners`. */
export function listenersJson(listeners: ListenerSet): JsonObject {
  const list: JsonObject[] = [];
  for (const listener of listeners.all()) {
    list.push({
      name: listener.name,
      local_address: addressJson(listener.address),
      ...(listener.extraAddresses.length === 0
        ? {}
        : { additional_local_addresses: listener.extraAddresses.map(addressJson) }),
    });
  }
  return { listener_statuses: list };
}

function addressText(at: ConfigAddress): string {
  return at.kind === "tcp" ? formatAddress(at.address) : at.path;
}

function addressJson(at: ConfigAddress): JsonObject {
  if (at.kind === "pipe") return { pipe: { path: at.path } };
  return { socket_address: { address: at.address.ip, port_value: at.address.port } };
}
