import { parseIp } from "@heddle/std";

/** Whether a request by this `Host` is refused. An address is never a name that somebody elsewhere points at this server. */
export type HostRefusal = (host: string) => boolean;

/** Refuses names that `pattern` does not match (Linkerd's `enforcedHostRegexp`, over the whole header). Errors: throws what is wrong with it. */
export function enforceHost(pattern: string): HostRefusal {
  const allowed = new RegExp(pattern);
  return (host) => !allowed.test(host) && parseIp(host.replace(/:\d+$/, "").replace(/^\[|\]$/g, "")) === undefined;
}
