import type { ListenerConfig } from "../config/listener.ts";

/** Finds the listener that a redirected connection was meant for. */
export interface ListenerIndex {
  /** By exact address, else by port on all addresses; undefined when there is none. */
  find(ip: string, port: number): ListenerConfig | undefined;
}

class AddressIndex implements ListenerIndex {
  readonly #exact = new Map<string, ListenerConfig>();
  readonly #anyAddress = new Map<number, ListenerConfig>();

  constructor(listeners: Iterable<ListenerConfig>) {
    for (const listener of listeners) {
      if (listener.useOriginalDst) continue;
      for (const at of [listener.address, ...listener.extraAddresses]) {
        if (at.kind !== "tcp") continue;
        if (at.address.ip === "0.0.0.0" || at.address.ip === "::") this.#anyAddress.set(at.address.port, listener);
        else this.#exact.set(`${at.address.ip}|${at.address.port}`, listener);
      }
    }
  }

  find(ip: string, port: number): ListenerConfig | undefined {
    return this.#exact.get(`${ip}|${port}`) ?? this.#anyAddress.get(port);
  }
}

/** Source: Envoy `use_original_dst`. */
export function createListenerIndex(listeners: Iterable<ListenerConfig>): ListenerIndex {
  return new AddressIndex(listeners);
}
