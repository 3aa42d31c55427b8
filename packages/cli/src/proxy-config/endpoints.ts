import { at, type JsonRecord, listOf, recordOf, textOf } from "../json-view.ts";

export const ENDPOINT_HEADER = ["ENDPOINT", "STATUS", "OUTLIER CHECK", "CLUSTER"] as const;

function addressOf(host: unknown): string {
  const socket = at(host, "address", "socket_address");
  const pipe = textOf(at(host, "address", "pipe", "path"));
  return pipe ? `unix://${pipe}` : `${textOf(at(socket, "address"))}:${textOf(at(socket, "port_value"))}`;
}

/** Rows from the admin's `/clusters?format=json`. */
export function endpointRows(clusters: JsonRecord): string[][] {
  return listOf(clusters["cluster_statuses"])
    .flatMap((cluster) =>
      listOf(at(cluster, "host_statuses")).map((host) => {
        const health = recordOf(at(host, "health_status"));
        const eds = textOf(health["eds_health_status"]) || "HEALTHY";
        const outlier = health["failed_outlier_check"] === true ? "FAILED" : "OK";
        return [addressOf(host), eds, outlier, textOf(at(cluster, "name"))];
      }),
    )
    .sort((a, b) => (a[3] ?? "").localeCompare(b[3] ?? "") || (a[0] ?? "").localeCompare(b[0] ?? ""));
}
