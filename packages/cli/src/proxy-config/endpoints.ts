import { at, type JsonRecord, listOf, recordOf, textOf } from "@heddle/std";
import { UsageError } from "../context.ts";
import { checkPort } from "./view.ts";

export const ENDPOINT_HEADER = ["ENDPOINT", "STATUS", "OUTLIER CHECK", "CLUSTER"] as const;

function addressOf(host: unknown): string {
  const socket = at(host, "address", "socket_address");
  const pipe = textOf(at(host, "address", "pipe", "path"));
  return pipe ? `unix://${pipe}` : `${textOf(at(socket, "address"))}:${textOf(at(socket, "port_value"))}`;
}

export interface EndpointFlags {
  readonly address?: string;
  readonly port?: string;
  readonly cluster?: string;
  readonly status?: string;
}

const STATUSES = ["UNKNOWN", "HEALTHY", "UNHEALTHY", "DRAINING", "TIMEOUT", "DEGRADED"];

/** The same answer with only the hosts that the flags ask for; clusters without any are left out. Errors: UsageError for an unknown status. */
export function filterEndpoints(clusters: JsonRecord, flags: EndpointFlags): JsonRecord {
  checkPort(flags.port);
  const status = flags.status?.toUpperCase();
  if (status !== undefined && !STATUSES.includes(status))
    throw new UsageError(`--status ${flags.status}: expected one of ${STATUSES.join(", ").toLowerCase()}`);
  const wanted = (host: unknown) => {
    const socket = at(host, "address", "socket_address");
    return (
      (flags.address === undefined || textOf(at(socket, "address")) === flags.address) &&
      (flags.port === undefined || textOf(at(socket, "port_value")) === flags.port) &&
      (status === undefined || statusOf(host) === status)
    );
  };
  return {
    cluster_statuses: listOf(clusters["cluster_statuses"])
      .filter((c) => flags.cluster === undefined || textOf(at(c, "name")) === flags.cluster)
      .map((c) => ({ ...recordOf(c), host_statuses: listOf(at(c, "host_statuses")).filter(wanted) }))
      .filter((c) => c.host_statuses.length > 0),
  };
}

const statusOf = (host: unknown): string => textOf(at(host, "health_status", "eds_health_status")) || "HEALTHY";

/** Rows from the admin's `/clusters?format=json`. */
export function endpointRows(clusters: JsonRecord): string[][] {
  return listOf(clusters["cluster_statuses"])
    .flatMap((cluster) =>
      listOf(at(cluster, "host_statuses")).map((host) => {
        const health = recordOf(at(host, "health_status"));
        const outlier = health["failed_outlier_check"] === true ? "FAILED" : "OK";
        return [addressOf(host), statusOf(host), outlier, textOf(at(cluster, "name"))];
      }),
    )
    .sort((a, b) => (a[3] ?? "").localeCompare(b[3] ?? "") || (a[0] ?? "").localeCompare(b[0] ?? ""));
}
