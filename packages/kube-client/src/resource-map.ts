import { booleanAt, listAt, textAt, textsAt } from "./json-fields.ts";
import { isKubeError, KubeError } from "./kube-error.ts";
import type { Transport } from "./transport.ts";

/** A kind that the API server serves. */
export interface ServedResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
}

/** What the API server serves, asked for once per group version. */
export interface ResourceMap {
  /** Errors: `UnknownKind` when the server does not serve it (asked anew each time, so a CRD installed later is found). */
  find(apiVersion: string, kind: string): Promise<ServedResource>;
  /** All kinds of a group version; empty when it is not served. */
  served(apiVersion: string): Promise<readonly ServedResource[]>;
  /** Preferred version first, of every group; the core group's `v1` first. */
  apiVersions(): Promise<readonly string[]>;
  forget(apiVersion: string): void;
}

export function createResourceMap(transport: Transport): ResourceMap {
  const cache = new Map<string, Promise<readonly ServedResource[]>>();
  const served = (apiVersion: string): Promise<readonly ServedResource[]> => {
    const known = cache.get(apiVersion);
    if (known !== undefined) return known;
    const asked = ask(transport, apiVersion);
    cache.set(apiVersion, asked);
    asked.then(
      (resources) => resources.length === 0 && cache.delete(apiVersion),
      () => cache.delete(apiVersion),
    );
    return asked;
  };
  return {
    served,
    forget: (apiVersion) => void cache.delete(apiVersion),
    async find(apiVersion, kind) {
      const first = (await served(apiVersion)).find((resource) => resource.kind === kind);
      if (first !== undefined) return first;
      cache.delete(apiVersion);
      const second = (await served(apiVersion)).find((resource) => resource.kind === kind);
      if (second !== undefined) return second;
      throw new KubeError(
        404,
        "UnknownKind",
        `the cluster has no kind "${kind}" in ${apiVersion}; install its CustomResourceDefinition first`,
      );
    },
    async apiVersions() {
      const groups: unknown = await (await transport.request("GET", "/apis")).json();
      return ["v1", ...listAt(groups, "groups").flatMap(versionsOf)];
    },
  };
}

function versionsOf(group: unknown): readonly string[] {
  const preferred = textAt((group as { readonly preferredVersion?: unknown }).preferredVersion, "groupVersion");
  const all = listAt(group, "versions").flatMap((version) => textAt(version, "groupVersion") ?? []);
  return preferred === undefined ? all : [preferred, ...all.filter((version) => version !== preferred)];
}

async function ask(transport: Transport, apiVersion: string): Promise<readonly ServedResource[]> {
  const { group, version } = splitApiVersion(apiVersion);
  try {
    const list: unknown = await (await transport.request("GET", apiPrefix(group, version))).json();
    return listAt(list, "resources").flatMap((item) => decode(item, group, version));
  } catch (error) {
    if (isKubeError(error, 404)) return [];
    throw error;
  }
}

function decode(item: unknown, group: string, version: string): readonly ServedResource[] {
  const resource = textAt(item, "name");
  const kind = textAt(item, "kind");
  if (resource === undefined || kind === undefined || resource.includes("/")) return [];
  return [
    {
      group,
      version,
      resource,
      kind,
      namespaced: booleanAt(item, "namespaced"),
      verbs: textsAt(item, "verbs"),
      shortNames: textsAt(item, "shortNames"),
    },
  ];
}

/** `apps/v1` → `{group: "apps", version: "v1"}`; `v1` → core group. */
export function splitApiVersion(apiVersion: string): { readonly group: string; readonly version: string } {
  const slash = apiVersion.indexOf("/");
  return slash < 0
    ? { group: "", version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** URL prefix of a group version. */
export function apiPrefix(group: string, version: string): string {
  return group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
}
