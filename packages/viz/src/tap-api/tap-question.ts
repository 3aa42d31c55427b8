import type { ResourceKind } from "../contract.ts";

/** Group and version of the API by which calls are watched. Source: Linkerd's tap. */
export const TAP_GROUP = "tap.linkerd.io";
export const TAP_VERSION = "v1alpha1";
export const TAP_PREFIX = `/apis/${TAP_GROUP}/${TAP_VERSION}`;

/** Whose calls are asked for. */
export interface TapQuestion {
  readonly kind: ResourceKind;
  /** Undefined: all of the kind. */
  readonly name?: string;
  /** Undefined: in all namespaces. */
  readonly namespace?: string;
  /** Labels that pods must have, as `app=web,tier`. */
  readonly selector?: string;
  /** Units: events per second and pod. */
  readonly maxRps: number;
  readonly recent: boolean;
  readonly follow: boolean;
}

/** What must be allowed: verb `watch` on `<resource>/tap`. */
export interface TapRight {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

const PLURALS = {
  deployments: "deployment",
  pods: "pod",
  services: "service",
  statefulsets: "statefulset",
  daemonsets: "daemonset",
  replicasets: "replicaset",
  replicationcontrollers: "replicationcontroller",
  jobs: "job",
  cronjobs: "cronjob",
  namespaces: "namespace",
} as const satisfies Readonly<Record<string, ResourceKind>>;

/** Resources that the API lists as its own. */
export const TAP_RESOURCES: readonly string[] = Object.keys(PLURALS);

const MAX_RPS = 1000;

/** The path and query by which the API server is asked. A kind without a name is asked of its namespace. */
export function tapPath(question: TapQuestion): string {
  const { kind, name, namespace, selector } = question;
  const place = kind === "namespace" ? (name ?? namespace) : namespace;
  const scope = place === undefined ? "" : `/namespaces/${encodeURIComponent(place)}`;
  const named = kind !== "namespace" && name !== undefined && namespace !== undefined;
  const resource = named ? `/${kind}s/${encodeURIComponent(name)}` : "";
  const query = new URLSearchParams({ maxRps: String(question.maxRps) });
  if (!named && kind !== "namespace") query.set("kind", kind);
  if (!named && kind !== "namespace" && name !== undefined) query.set("name", name);
  if (selector !== undefined) query.set("labelSelector", selector);
  if (question.recent) query.set("recent", "true");
  if (!question.follow) query.set("follow", "false");
  return `${TAP_PREFIX}/watch${scope}${resource}/tap?${query}`;
}

/** Reads such a path. A string says why it is none; undefined: it is another path altogether. */
export function readTapPath(
  pathname: string,
  query: URLSearchParams,
): { readonly question: TapQuestion; readonly right: TapRight } | string | undefined {
  if (!pathname.startsWith(`${TAP_PREFIX}/watch/`)) return undefined;
  const parts = pathname.slice(`${TAP_PREFIX}/watch/`.length).split("/").map(unescaped);
  if (parts.pop() !== "tap") return "only the subresource tap is served here";
  const maxRps = Number(query.get("maxRps") ?? "100");
  if (!(maxRps > 0 && maxRps <= MAX_RPS)) return `maxRps must be above 0 and at most ${MAX_RPS}`;
  const selector = query.get("labelSelector");
  const rest = {
    maxRps,
    recent: query.get("recent") === "true",
    follow: query.get("follow") !== "false",
    ...(selector ? { selector } : {}),
  };
  const [word, namespace = "", resource, name = ""] = parts;
  if (parts.length === 0 || (word === "namespaces" && parts.length === 2)) {
    const asked = query.get("kind") ?? (namespace === "" ? "" : "namespace");
    const kind = Object.values(PLURALS).find((k) => k === asked);
    if (kind === undefined) return `kind=${JSON.stringify(asked)} is unknown; known are ${TAP_RESOURCES.join(", ")}`;
    const wanted = query.get("name");
    const own = kind === "namespace" && namespace !== "" ? { name: namespace } : wanted ? { name: wanted } : {};
    const question = { kind, ...own, ...(namespace === "" ? {} : { namespace }), ...rest };
    return { question, right: { resource: "namespaces", namespace, name: "" } };
  }
  const kind = Object.entries(PLURALS).find(([plural]) => plural === resource)?.[1];
  if (word !== "namespaces" || parts.length !== 4 || kind === undefined || kind === "namespace" || name === "")
    return `expected watch/namespaces/NAMESPACE/RESOURCE/NAME/tap with one of ${TAP_RESOURCES.join(", ")}`;
  return { question: { kind, name, namespace, ...rest }, right: { resource: `${kind}s`, namespace, name } };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
