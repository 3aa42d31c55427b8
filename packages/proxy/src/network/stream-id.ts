import { randomUUID } from "node:crypto";
import type { ConnectionInfo } from "../listener/connection-info.ts";

const known = new WeakMap<ConnectionInfo, string>();

/** The id of a TCP connection, made when a log first asks for it. Source: Envoy's `%STREAM_ID%` of TCP proxies. */
export function connectionStreamId(connection: ConnectionInfo): string {
  let id = known.get(connection);
  if (id === undefined) {
    id = randomUUID();
    known.set(connection, id);
  }
  return id;
}
