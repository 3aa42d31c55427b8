import type { SyncStatus } from "@heddle/xds";
import { typeUrls } from "@heddle/xds-api";
import type { Connection } from "../xds/connection.ts";

const names: readonly (readonly [string, string])[] = [
  ["cluster", typeUrls.cluster],
  ["listener", typeUrls.listener],
  ["route", typeUrls.route],
  ["endpoint", typeUrls.endpoint],
  ["extensionconfig", typeUrls.extensionConfig],
];

/** One entry of `/debug/syncz`, as `istioctl proxy-status` reads it. Source: Istio pilot/pkg/xds/debug.go `SyncStatus`. */
export function syncEntry(connection: Connection): Readonly<Record<string, string>> {
  const { metadata, node } = connection;
  const text = (key: string): string => (typeof metadata[key] === "string" ? metadata[key] : "");
  const entry: Record<string, string> = {
    cluster_id: node.clusterId,
    proxy: `${node.name}.${node.namespace}`,
    proxy_type: node.kind,
    istio_version: text("ISTIO_VERSION"),
  };
  const status = connection.status();
  for (const [name, typeUrl] of names) {
    const one = status.find((candidate) => candidate.typeUrl === typeUrl);
    if (one === undefined) continue;
    entry[`${name}_sent`] = one.sentNonce;
    entry[`${name}_acked`] = one.ackedNonce;
    if (one.rejection !== undefined) entry[`${name}_error`] = one.rejection;
  }
  return entry;
}

/** False for the stream by which an agent gets its name table beside the data plane's own stream. */
export function isProxy({ metadata }: Connection): boolean {
  return metadata["HEDDLE_STREAM"] !== "names";
}

/** One entry of `/debug/adsz` and `/debug/connections`. */
export function connectionEntry(connection: Connection): Readonly<Record<string, unknown>> {
  const { node, metadata } = connection;
  const watches: Record<string, readonly string[]> = {};
  for (const one of connection.status()) watches[one.typeUrl] = one.wildcard ? ["*"] : one.names;
  return {
    connectionId: connection.id,
    connectedAt: new Date(connection.connectedAtMs).toISOString(),
    address: connection.peer,
    identity: connection.caller?.identity.id ?? "",
    authenticatedBy: connection.caller?.by ?? "none",
    protocol: connection.dialect,
    dataPlane: node.dataPlane,
    labels: node.labels,
    locality: node.locality,
    metadata,
    watches,
    status: connection.status().map(({ names: _names, ...rest }: SyncStatus) => rest),
  };
}
