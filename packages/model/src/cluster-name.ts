/** The parts of a cluster's name, `outbound|<port>|<subset>|<hostname>` or `inbound|<port>||`. */
export interface ClusterName {
  readonly direction: "outbound" | "inbound";
  readonly port: number;
  readonly subset: string;
  readonly hostname: string;
}

export function formatClusterName(name: ClusterName): string {
  return `${name.direction}|${name.port}|${name.subset}|${name.hostname}`;
}

export function parseClusterName(text: string): ClusterName | undefined {
  const [direction, port, subset, hostname, ...rest] = text.split("|");
  if (
    (direction !== "outbound" && direction !== "inbound") ||
    hostname === undefined ||
    subset === undefined ||
    rest.length > 0
  ) {
    return undefined;
  }
  const number = Number(port);
  return Number.isInteger(number) ? { direction, port: number, subset, hostname } : undefined;
}

/** The server name that says which cluster a TLS connection is for, `outbound_.<port>_.<subset>_.<hostname>`. */
export function formatSni(port: number, subset: string, hostname: string): string {
  return `outbound_.${port}_.${subset}_.${hostname}`;
}
