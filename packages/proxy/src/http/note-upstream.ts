// Hot path: one per try of a request.
import type { Clock } from "@heddle/std";
import { type LogNeeds, noteOpen } from "../config/log-needs.ts";
import type { PooledConnection } from "../upstream/pool.ts";
import type { ExchangeRecord } from "./exchange-record.ts";

/** The part of a record that the connection of the newest try fills. */
export type UpstreamRecord = {
  -readonly [K in
    | "upstream"
    | "upstreamLocal"
    | "upstreamPrincipal"
    | "upstreamReadyMs"
    | "upstreamSecure"
    | "upstreamVersion"]: ExchangeRecord[K];
};

/** Of `upstreamBodyMs`: the next byte is the first. */
export const BODY_WANTED = -2;

/** The times of a request to its upstream begin. */
export function noteWanted(record: { upstreamWantedMs: number; upstreamBodyMs: number }, clock: Clock): void {
  record.upstreamWantedMs = clock.monotonic();
  record.upstreamBodyMs = BODY_WANTED;
}

/** Writes down which connection a try has got. */
export function noteUpstream(
  record: UpstreamRecord,
  connection: PooledConnection,
  { needs, clock }: { readonly needs: LogNeeds; readonly clock: Clock },
): void {
  record.upstream = connection.socket;
  if (needs.open) noteOpen(connection.socket);
  if (needs.times) record.upstreamReadyMs = clock.monotonic();
  record.upstreamLocal = connection.localText;
  record.upstreamVersion = connection.http.version;
  record.upstreamSecure = connection.secure;
  record.upstreamPrincipal = connection.peer?.uriSans[0] ?? "";
}
