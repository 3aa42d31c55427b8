/** Hosts that requests name themselves, as label values: a limited number, so that clients can't make series at will. */
export interface HostNames {
  /** The host itself, or "" (unknown) for those beyond the limit. */
  labelOf(host: string): string;
}

/** Longest name that becomes a label. Source: RFC 1035, with a port. */
const MAX_LENGTH = 260;

/** `limit`: distinct names that are kept, the first ones seen. Default: 100. */
export function createHostNames(limit = 100): HostNames {
  const kept = new Set<string>();
  return {
    labelOf: (host) => {
      if (kept.has(host)) return host;
      if (kept.size >= limit || host.length > MAX_LENGTH) return "";
      kept.add(host);
      return host;
    },
  };
}
