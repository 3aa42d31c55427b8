import { type Dict, text } from "../json/json-value.ts";
import { joinApiVersion } from "../json/kube-object.ts";
import type { Registry } from "../resources/registry.ts";
import type { ResourceDefinition, Verb } from "../resources/resource-definition.ts";

/** The discovery documents, made anew when the served resources change. */
export interface Discovery {
  apiVersions(): object;
  groups(): object;
  group(group: string): object | undefined;
  resources(group: string, version: string): object | undefined;
  /** `apidiscovery.k8s.io/v2` for `/api` (core) or `/apis`. */
  aggregated(core: boolean): object;
}

interface GroupVersions {
  readonly group: string;
  /** Preferred first. */
  readonly versions: readonly string[];
}

const STATUS_VERBS: readonly Verb[] = ["get", "patch", "update"];

interface Listed {
  readonly name: string;
  readonly kind: string;
  readonly group?: string | undefined;
  readonly version?: string | undefined;
  readonly verbs: readonly Verb[];
}

function subresourcesOf(def: ResourceDefinition): readonly Listed[] {
  const found: Listed[] = def.subresources.map((sub) => ({ ...sub }));
  if (def.scale) found.push({ name: "scale", kind: "Scale", group: "autoscaling", version: "v1", verbs: STATUS_VERBS });
  if (def.hasStatus) found.push({ name: "status", kind: def.kind, verbs: STATUS_VERBS });
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** `v2` before `v1` before `v1beta1` before `v1alpha1`, as Kubernetes ranks versions. */
export function byVersionPriority(left: string, right: string): number {
  const rank = (version: string): readonly number[] => {
    const found = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
    if (!found) return [0, 0, 0];
    return [found[2] === undefined ? 3 : found[2] === "beta" ? 2 : 1, Number(found[1]), Number(found[3] ?? 0)];
  };
  const a = rank(left);
  const b = rank(right);
  for (let index = 0; index < 3; index++) {
    const difference = (b[index] ?? 0) - (a[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Groups that other servers answer. */
export interface RemoteGroups {
  lists(): readonly { readonly group: string; readonly version: string; readonly resources: readonly Dict[] }[];
}

export function createDiscovery(registry: Registry, remote: RemoteGroups): Discovery {
  let cached = { revision: -1, groups: new Map<string, ResourceDefinition[]>() };

  const remoteGroups = () => remote.lists().map(({ group, version }) => ({ group, versions: [version] }));

  function byGroup(): ReadonlyMap<string, readonly ResourceDefinition[]> {
    if (cached.revision === registry.revision) return cached.groups;
    const groups = new Map<string, ResourceDefinition[]>();
    for (const def of registry.all()) {
      const present = groups.get(def.group);
      if (present) present.push(def);
      else groups.set(def.group, [def]);
    }
    cached = { revision: registry.revision, groups };
    return groups;
  }

  function versionsOf(group: string): GroupVersions | undefined {
    const defs = byGroup().get(group);
    if (!defs) return undefined;
    return { group, versions: [...new Set(defs.map((def) => def.version))].sort(byVersionPriority) };
  }

  function groupObject({ group, versions }: GroupVersions): object {
    const listed = versions.map((version) => ({ groupVersion: joinApiVersion(group, version), version }));
    return { name: group, versions: listed, preferredVersion: listed[0] };
  }

  function resourceEntry(def: ResourceDefinition): object[] {
    const main = {
      name: def.resource,
      singularName: def.singular,
      namespaced: def.namespaced,
      kind: def.kind,
      verbs: def.verbs,
      ...(def.shortNames.length > 0 ? { shortNames: def.shortNames } : {}),
      ...(def.categories.length > 0 ? { categories: def.categories } : {}),
      ...(def.stored ? { storageVersionHash: storageHash(def) } : {}),
    };
    const subs = subresourcesOf(def).map((sub) => ({
      name: `${def.resource}/${sub.name}`,
      singularName: "",
      namespaced: def.namespaced,
      ...(sub.group === undefined ? {} : { group: sub.group, version: sub.version }),
      kind: sub.kind,
      verbs: sub.verbs,
    }));
    return [main, ...subs];
  }

  return {
    apiVersions: () => ({
      kind: "APIVersions",
      versions: ["v1"],
      serverAddressByClientCIDRs: [],
    }),
    groups() {
      const groups = [...byGroup().keys()]
        .filter((group) => group !== "")
        .map(versionsOf)
        .filter((found) => found !== undefined);
      return { kind: "APIGroupList", apiVersion: "v1", groups: [...groups, ...remoteGroups()].map(groupObject) };
    },
    group(group) {
      const found = versionsOf(group) ?? remoteGroups().find((one) => one.group === group);
      return found ? { kind: "APIGroup", apiVersion: "v1", ...groupObject(found) } : undefined;
    },
    resources(group, version) {
      const defs = byGroup()
        .get(group)
        ?.filter((def) => def.version === version);
      if (!defs || defs.length === 0) {
        const list = remote.lists().find((one) => one.group === group && one.version === version);
        if (!list) return undefined;
        const groupVersion = joinApiVersion(group, version);
        return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources: list.resources };
      }
      return {
        kind: "APIResourceList",
        ...(group === "" ? {} : { apiVersion: "v1" }),
        groupVersion: joinApiVersion(group, version),
        resources: defs.flatMap(resourceEntry),
      };
    },
    aggregated(core) {
      const items = [...byGroup().entries()]
        .filter(([group]) => (group === "") === core)
        .map(([group, defs]) => aggregatedGroup(group, versionsOf(group)?.versions ?? [], defs));
      const others = core ? [] : remote.lists().map(remoteGroup);
      return {
        kind: "APIGroupDiscoveryList",
        apiVersion: "apidiscovery.k8s.io/v2",
        metadata: {},
        items: [...items, ...others],
      };
    },
  };
}

function storageHash(def: ResourceDefinition): string {
  return Buffer.from(`${def.storageKey}:${def.kind}`).toString("base64").slice(0, 10).padEnd(12, "=");
}

function aggregatedGroup(group: string, versions: readonly string[], defs: readonly ResourceDefinition[]): object {
  return {
    metadata: group === "" ? {} : { name: group },
    versions: versions.map((version) => ({
      version,
      resources: defs.filter((def) => def.version === version).map(aggregatedResource),
      freshness: "Current",
    })),
  };
}

function aggregatedResource(def: ResourceDefinition): object {
  const subresources = subresourcesOf(def).map((sub) => ({
    subresource: sub.name,
    responseKind: { group: sub.group ?? def.group, version: sub.version ?? def.version, kind: sub.kind },
    verbs: sub.verbs,
  }));
  return {
    resource: def.resource,
    responseKind: { group: def.group, version: def.version, kind: def.kind },
    scope: def.namespaced ? "Namespaced" : "Cluster",
    singularResource: def.singular,
    verbs: def.verbs,
    ...(def.shortNames.length > 0 ? { shortNames: def.shortNames } : {}),
    ...(def.categories.length > 0 ? { categories: def.categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}

/** Of a server that has only subresources, its resources are named without being served themselves. */
function remoteGroup({ group, version, resources }: ReturnType<RemoteGroups["lists"]>[number]): object {
  const names = [...new Set(resources.map((one) => text(one["name"]).split("/")[0] ?? ""))];
  const entries = names.map((name) => {
    const own = resources.find((one) => one["name"] === name);
    const subs = resources.filter((one) => text(one["name"]).startsWith(`${name}/`));
    const kindOf = (one: Dict | undefined) => ({ group: "", version: "", kind: text(one?.["kind"]) });
    return {
      resource: name,
      ...(own ? { responseKind: kindOf(own) } : {}),
      scope: (own ?? subs[0])?.["namespaced"] === true ? "Namespaced" : "Cluster",
      singularResource: text(own?.["singularName"]),
      verbs: own?.["verbs"] ?? [],
      ...(subs.length === 0
        ? {}
        : {
            subresources: subs.map((one) => ({
              subresource: text(one["name"]).slice(name.length + 1),
              responseKind: kindOf(one),
              verbs: one["verbs"] ?? [],
            })),
          }),
    };
  });
  return { metadata: { name: group }, versions: [{ version, resources: entries, freshness: "Current" }] };
}
