import type { ResourceKind, ResourceName, StatQuery } from "./contract.ts";
import type { WindowQuery } from "./query/overview.ts";
import { KEEP_MS } from "./store/series.ts";

export const KINDS: readonly ResourceKind[] = [
  "deployment",
  "pod",
  "namespace",
  "service",
  "statefulset",
  "daemonset",
  "replicaset",
  "replicationcontroller",
  "job",
  "cronjob",
];

/** A request that cannot be answered: the sentence goes to the caller with status 400. */
export class BadQuery extends Error {}

export function statQuery(params: URLSearchParams): StatQuery {
  return { kind: kindOf(params.get("kind") ?? "deployment"), ...restOfQuery(params) };
}

/** Everything but the kind. */
export function restOfQuery(params: URLSearchParams): Omit<StatQuery, "kind"> {
  const name = params.get("name");
  const namespace = params.get("namespace");
  const from = resourceName(params, "from");
  const to = resourceName(params, "to");
  if (from && to)
    throw new BadQuery("from and to cannot be combined; ask for the sender with to, or the receiver with from");
  return {
    windowMs: windowOf(params),
    ...(name ? { name } : {}),
    ...(namespace ? { namespace } : {}),
    ...(from ? { from } : {}),
    ...(to ? { to } : {}),
  };
}

function resourceName(params: URLSearchParams, which: "from" | "to"): ResourceName | undefined {
  const text = params.get(which);
  if (!text) return undefined;
  const [kind = "", name] = text.split("/");
  const namespace = params.get(`${which}Namespace`) ?? params.get("namespace");
  if (!namespace) throw new BadQuery(`${which}=${text} needs ${which}Namespace`);
  return { kind: kindOf(kind), namespace, ...(name ? { name } : {}) };
}

export function kindOf(text: string): ResourceKind {
  const kind = KINDS.find((k) => k === text);
  if (!kind) throw new BadQuery(`kind ${JSON.stringify(text)} is unknown; known are ${KINDS.join(", ")}`);
  return kind;
}

export function windowOf(params: URLSearchParams): number {
  const ms = Number(params.get("windowMs") ?? "60000");
  if (!Number.isFinite(ms) || ms < 1000 || ms > KEEP_MS) throw new BadQuery(`windowMs must be from 1000 to ${KEEP_MS}`);
  return ms;
}

/** `windowMs`, and `at` (ms since 1970; default: now) for a look into the kept history. */
export function windowQuery(params: URLSearchParams, nowMs: number): WindowQuery {
  const at = params.get("at");
  const atMs = at === null ? nowMs : Number(at);
  if (!Number.isFinite(atMs) || atMs > nowMs + 60_000 || atMs < nowMs - KEEP_MS)
    throw new BadQuery("at must be a time of the last six hours, in ms since 1970");
  return { atMs: Math.min(atMs, nowMs), windowMs: windowOf(params) };
}

export function needed(params: URLSearchParams, name: string): string {
  const value = params.get(name);
  if (!value) throw new BadQuery(`${name} is missing`);
  return value;
}
