/** The parts of a cluster's name, `outbound|<port>|<subset>|<hostname>` or `inbound|<port>||`; EDS names may have one more. */
export interface ClusterName {
  readonly direction: "outbound" | "inbound";
  readonly port: number;
  readonly subset: string;
  readonly hostname: string;
  /** For whom the endpoints are ordered (see locality-request.ts); only in names of EDS resources. */
  readonly place?: string;
}

export function formatClusterName(name: ClusterName): string {
  const { direction, port, subset, hostname, place } = name;
  return `${direction}|${port}|${subset}|${hostname}${place === undefined ? "" : `|${place}`}`;
}

export function parseClusterName(text: string): ClusterName | undefined {
  const [direction, port, subset, hostname, place, ...rest] = text.split("|");
  if (
    (direction !== "outbound" && direction !== "inbound") ||
    hostname === undefined ||
    subset === undefined ||
    rest.length > 0
  ) {
    return undefined;
  }
  const number = Number(port);
  if (!Number.isInteger(number)) return undefined;
  return { direction, port: number, subset, hostname, ...(place === undefined ? {} : { place }) };
}

/** The server name that says which cluster a TLS connection is for, `outbound_.<port>_.<subset>_.<hostname>`. */
export function formatSni(port: number, subset: string, hostname: string): string {
  return `outbound_.${port}_.${subset}_.${hostname}`;
}
