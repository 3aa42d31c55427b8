import { randomUUID } from "node:crypto";
import type { FormatCommand } from "../config/format.ts";
import { formatTime } from "../config/time-format.ts";
import { flagNames } from "../rescue.ts";
import { loggedFailure } from "../tls/logged-failure.ts";
import { ipOf } from "../transport/address.ts";
import type { Connection } from "../transport/connection.ts";
import type { Cluster } from "../upstream/cluster.ts";
import type { Host } from "../upstream/host.ts";
import { tlsValue } from "./certificate-values.ts";
import { elapsed } from "./duration-values.ts";
import { maskedIp } from "./masked-ip.ts";
import { hostMetadata, metadataText } from "./metadata-values.ts";
import { dash } from "./text-values.ts";

/** What HTTP and TCP records have in common of their upstream side. */
export interface UpstreamFacts {
  readonly startTime: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly flags: string;
  readonly details: string;
  readonly transportFailure: string;
  readonly host: Host | undefined;
  readonly cluster: Cluster | undefined;
  readonly clusterName: string;
  readonly upstreamLocal: string;
  readonly upstreamPrincipal: string;
  /** The last connection that was used; undefined: none. */
  readonly upstream: Connection | undefined;
  /** When the last try began, and when it had a connection. Units: ms; -1: not noted. */
  readonly upstreamWantedMs: number;
  readonly upstreamReadyMs: number;
  /** Those of tries that failed, before `host`. */
  readonly failedTries: readonly { readonly host: Host; readonly connected?: boolean }[];
  /** The server broke the connection off. */
  readonly upstreamReset?: boolean;
}

/** Values of the upstream side and of times. */
export function upstreamValue(record: UpstreamFacts, command: FormatCommand): string | undefined {
  switch (command.name) {
    case "START_TIME":
      return formatTime(record.startTime, command.argument);
    case "START_TIME_LOCAL":
      return formatTime(record.startTime, command.argument, true);
    case "EMIT_TIME":
      return formatTime(emitTime(record), command.argument);
    case "EMIT_TIME_LOCAL":
      return formatTime(emitTime(record), command.argument, true);
    case "RESPONSE_FLAGS":
      return record.flags;
    case "RESPONSE_FLAGS_LONG":
      return flagNames(record.flags);
    case "RESPONSE_CODE_DETAILS":
      return dash(command.argument === undefined ? record.details.replaceAll(" ", "_") : record.details);
    case "UPSTREAM_TRANSPORT_FAILURE_REASON":
      return dash(loggedFailure(record.transportFailure).replaceAll(" ", "_"));
    case "UPSTREAM_HOST":
      return record.host?.text;
    case "UPSTREAM_REMOTE_ADDRESS":
      return connected(record)?.text;
    case "UPSTREAM_HOST_NAME":
      return record.host === undefined ? undefined : record.host.hostname || record.host.text;
    case "UPSTREAM_HOST_NAME_WITHOUT_PORT":
      return record.host === undefined ? undefined : record.host.hostname || record.host.address.ip;
    case "UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT": {
      const ip = connected(record)?.address.ip;
      return ip && maskedIp(ip, command.argument);
    }
    case "UPSTREAM_REMOTE_PORT":
      return connected(record)?.address.port.toString();
    case "UPSTREAM_CLUSTER":
    case "UPSTREAM_CLUSTER_RAW":
      return dash(record.clusterName);
    case "UPSTREAM_LOCAL_ADDRESS":
      return dash(record.upstreamLocal);
    case "UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT":
      return dash(maskedIp(ipOf(record.upstreamLocal), command.argument));
    case "UPSTREAM_LOCAL_PORT":
      return dash(record.upstreamLocal.slice(record.upstreamLocal.lastIndexOf(":") + 1));
    case "UPSTREAM_PEER_URI_SAN":
      return dash(record.upstreamPrincipal);
    case "UPSTREAM_CONNECTION_ID":
      return String(record.upstream?.id ?? 0);
    case "UPSTREAM_CONNECTION_IDS_ATTEMPTED":
      return record.upstream?.id.toString();
    case "UPSTREAM_CONNECTION_POOL_READY_DURATION":
      // Until it failed, where there never was one.
      return elapsed(record.upstreamWantedMs, record.upstreamReadyMs < 0 ? record.endMs : record.upstreamReadyMs);
    case "UPSTREAM_TLS_VERSION":
      return record.upstream?.tls?.version;
    case "UPSTREAM_TLS_CIPHER":
      return dash(record.upstream?.tls?.cipher ?? "");
    case "UPSTREAM_SERVER_NAME":
      return record.upstream?.tls?.sni;
    case "UPSTREAM_HOSTS_ATTEMPTED":
      return attempted(record, (host) => host.text);
    case "UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT":
      return attempted(record, (host) => host.address.ip);
    case "UPSTREAM_HOST_NAMES_ATTEMPTED":
      return attempted(record, (host) => host.hostname || host.text);
    case "UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT":
      return attempted(record, (host) => host.hostname || host.address.ip);
    case "UPSTREAM_METADATA":
      return metadataText(command.argument ?? "", (name) => hostMetadata(record.host, name));
    case "CLUSTER_METADATA":
      return metadataText(command.argument ?? "", (name) => record.cluster?.config.metadata?.[name]);
    case "UPSTREAM_DETECTED_CLOSE_TYPE":
      return record.upstreamReset === true ? "RemoteReset" : "Normal";
    case "UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID":
      return connected(record) && "";
    case "CUSTOM_FLAGS":
    case "LOCAL_REPLY_BODY":
      return "";
    case "UNIQUE_ID":
      return randomUUID();
    default:
      return tlsValue(record.upstream?.tls, command, "UPSTREAM_", () => record.upstream?.tlsSession);
  }
}

/** The hosts of all tries that had a connection, each once. */
function attempted(record: UpstreamFacts, name: (host: Host) => string): string | undefined {
  const last = connected(record);
  const failed = record.failedTries.filter(({ connected }) => connected !== false).map(({ host }) => host);
  const hosts = new Set(last === undefined ? failed : [...failed, last]);
  return dash([...hosts].map(name).join(","));
}

/** The host, once there was a connection to it. */
function connected(record: UpstreamFacts): Host | undefined {
  return record.upstreamLocal === "" ? undefined : record.host;
}

function emitTime(record: UpstreamFacts): number {
  return record.startTime + Math.max(0, record.endMs - record.startMs);
}
