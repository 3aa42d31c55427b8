import { at, dict, list, text } from "../../api/json/json-value.ts";
import { joinApiVersion } from "../../api/json/kube-object.ts";
import type { KubeObject, ResourceId } from "../../contract/index.ts";
import { type CacheChange, keyOf, type ObjectCache } from "../object-cache.ts";
import { conditionOf } from "../status-conditions.ts";

/** A resource as the graph knows it. */
export interface GraphResource {
  readonly id: ResourceId;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** An object with the collection that it is in. */
export interface GraphObject {
  readonly resource: GraphResource;
  readonly object: KubeObject;
}

/** All objects that can own or be owned, of all resources, including those of custom definitions. */
export interface ObjectGraph {
  resources(): readonly GraphResource[];
  /** Undefined for kinds that the cluster doesn't know. */
  resourceOfKind(apiVersion: string, kind: string): GraphResource | undefined;
  get(resource: GraphResource, namespace: string | undefined, name: string): KubeObject | undefined;
  /** By the key that `keyOfObject` made. */
  find(key: string): GraphObject | undefined;
  dependentsOf(uid: string): readonly GraphObject[];
  onChange(listener: (resource: GraphResource, change: CacheChange) => void): void;
}

export interface ObjectGraphDeps {
  readonly builtin: readonly GraphResource[];
  readonly definitions: ObjectCache;
  cache(resource: ResourceId): ObjectCache;
}

export function createObjectGraph(deps: ObjectGraphDeps): ObjectGraph {
  const known = new Map<string, GraphResource>();
  const listeners: ((resource: GraphResource, change: CacheChange) => void)[] = [];
  const watched = new Set<string>();

  function add(resource: GraphResource): void {
    const key = keyOfResource(resource.id);
    known.set(key, resource);
    if (watched.has(key)) return;
    watched.add(key);
    deps.cache(resource.id).onChange((change) => {
      for (const listener of listeners) listener(resource, change);
    });
  }

  for (const resource of deps.builtin) add(resource);
  deps.definitions.onChange(({ type, object }) => {
    const custom = customResource(object);
    if (custom === undefined) return;
    if (type === "DELETED") known.delete(keyOfResource(custom.id));
    else add(custom);
  });

  return {
    resources: () => [...known.values()],
    resourceOfKind(apiVersion, kind) {
      for (const resource of known.values()) {
        if (resource.kind === kind && groupOf(apiVersion) === resource.id.group) return resource;
      }
      return undefined;
    },
    get: (resource, namespace, name) => deps.cache(resource.id).get(resource.namespaced ? namespace : undefined, name),
    find(key) {
      const [group = "", version = "", plural = "", namespace = "", name = ""] = key.split("/");
      const resource = known.get(keyOfResource({ group, version, resource: plural }));
      const object = resource === undefined ? undefined : deps.cache(resource.id).get(namespace, name);
      return resource === undefined || object === undefined ? undefined : { resource, object };
    },
    dependentsOf: (uid) =>
      [...known.values()].flatMap((resource) =>
        deps
          .cache(resource.id)
          .ownedBy(uid)
          .map((object) => ({ resource, object })),
      ),
    onChange: (listener) => void listeners.push(listener),
  };
}

function keyOfResource({ group, version, resource }: ResourceId): string {
  return `${group}/${version}/${resource}`;
}

export function keyOfObject({ resource, object }: GraphObject): string {
  return `${keyOfResource(resource.id)}/${keyOf(object)}`;
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}

/** One served version of what a definition defines, once the server serves it. */
function customResource(definition: KubeObject): GraphResource | undefined {
  if (conditionOf(at(definition, "status", "conditions"), "Established")?.["status"] !== "True") return undefined;
  const spec = dict(at(definition, "spec"));
  const served = list(spec["versions"])
    .map(dict)
    .filter((version) => version["served"] === true);
  const version = served.find((item) => item["storage"] === true) ?? served[0];
  if (version === undefined) return undefined;
  const id = {
    group: text(spec["group"]),
    version: text(version["name"]),
    resource: text(at(spec, "names", "plural")),
  };
  return { id, kind: text(at(spec, "names", "kind")), namespaced: spec["scope"] === "Namespaced" };
}

/** For messages: `apps/v1, Kind=Deployment`. */
export function describeResource(resource: GraphResource): string {
  return `${joinApiVersion(resource.id.group, resource.id.version)}, Kind=${resource.kind}`;
}
