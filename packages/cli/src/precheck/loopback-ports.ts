/** State of a listening socket. Source: Linux `/proc/net/tcp`, include/net/tcp_states.h. */
const LISTEN = "0A";
const LOOPBACK6 = "00000000000000000000000001000000";

/** Ports that only the pod itself can reach: all listeners are on 127.0.0.0/8 or ::1. @param text `/proc/net/tcp` and `/proc/net/tcp6`. */
export function loopbackPorts(text: string): readonly number[] {
  const reach = new Map<number, boolean>();
  for (const line of text.split("\n")) {
    const match = /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ ([0-9A-F]{2})\b/.exec(line);
    if (match === null || match[3] !== LISTEN) continue;
    const [, address = "", port = ""] = match;
    const own = address.length === 8 ? address.endsWith("7F") : address === LOOPBACK6;
    const number = Number.parseInt(port, 16);
    reach.set(number, (reach.get(number) ?? true) && own);
  }
  return [...reach].filter(([, own]) => own).map(([port]) => port);
}
