import type { ClusterApi, KubeObject } from "../../contract/index.ts";
import { at, dict, isDict, list, sameJson, text } from "../json/json-value.ts";
import type { Registry } from "../resources/registry.ts";
import type { ResourceDefinition } from "../resources/resource-definition.ts";
import type { BuiltinTypes } from "../schema/builtin-types.ts";
import type { TypeNode } from "../schema/type-node.ts";
import type { Store } from "../store/store.ts";
import { CRD_FINALIZER } from "../write/deletion.ts";
import { definitionsOf } from "./crd-definitions.ts";
import { customType } from "./schema-type.ts";
import type { Schema } from "./structural-schema.ts";

const CRDS = { group: "apiextensions.k8s.io", version: "v1", resource: "customresourcedefinitions" } as const;
export const CRD_KEY = "apiextensions.k8s.io/customresourcedefinitions";

/** Serves what CRDs define: registers their resources, reports their state, removes their objects with them. */
export interface CustomResources {
  schemaOf(def: ResourceDefinition): Schema | undefined;
  typeOf(def: ResourceDefinition): TypeNode | undefined;
  start(api: ClusterApi): void;
  close(): void;
}

export interface CustomResourcesDeps {
  readonly registry: Registry;
  readonly store: Store;
  readonly types: BuiltinTypes;
  /** RFC 3339, seconds. */
  readonly now: () => string;
  onFailure(error: unknown): void;
}

export function createCustomResources(deps: CustomResourcesDeps): CustomResources {
  const { registry, store } = deps;
  const metadata = deps.types.word("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
  const schemas = new WeakMap<ResourceDefinition, Schema>();
  const types = new WeakMap<ResourceDefinition, TypeNode>();
  const closers: (() => void)[] = [];

  /** Names that another resource of the group has already. */
  function clash(crd: KubeObject): string | undefined {
    const spec = dict(crd["spec"]);
    const names = dict(spec["names"]);
    const mine = new Set([names["plural"], names["singular"], ...list(names["shortNames"])].map((name) => text(name)));
    const key = `${text(spec["group"])}/${text(names["plural"])}`;
    for (const def of registry.all()) {
      if (def.group !== text(spec["group"]) || def.storageKey === key) continue;
      if (def.kind === names["kind"]) return `"${def.kind}" is already in use`;
      const taken = [def.resource, def.singular, ...def.shortNames].find((name) => mine.has(name));
      if (taken !== undefined) return `"${taken}" is already in use`;
    }
    return undefined;
  }

  function serve(crd: KubeObject): void {
    const served = definitionsOf(crd, metadata);
    for (const { def, schema } of served) schemas.set(def, schema);
    registry.setCustom(
      crd.metadata.name,
      served.map(({ def }) => def),
    );
  }

  function statusOf(crd: KubeObject, problem: string | undefined): object {
    const now = deps.now();
    const ok = problem === undefined;
    const before = list(at(crd, "status", "conditions")).map(dict);
    const condition = (type: string, status: string, reason: string, message: string) => {
      const old = before.find((item) => item["type"] === type);
      const time = old?.["status"] === status ? text(old["lastTransitionTime"]) : now;
      return { type, status, reason, message, lastTransitionTime: time };
    };
    const stored = list(dict(crd["spec"])["versions"])
      .map(dict)
      .find((version) => version["storage"] === true);
    const versions = new Set([...list(at(crd, "status", "storedVersions")), text(stored?.["name"])]);
    return {
      conditions: [
        condition(
          "NamesAccepted",
          ok ? "True" : "False",
          ok ? "NoConflicts" : "NamesConflict",
          problem ?? "no conflicts found",
        ),
        condition(
          "Established",
          ok ? "True" : "False",
          ok ? "InitialNamesAccepted" : "NotAccepted",
          ok ? "the initial names have been accepted" : "not all names are accepted",
        ),
        ...(crd.metadata.deletionTimestamp === undefined
          ? []
          : [condition("Terminating", "True", "InstanceDeletionInProgress", "CustomResource deletion is in progress")]),
      ],
      acceptedNames: ok ? dict(crd["spec"])["names"] : { kind: "", plural: "" },
      storedVersions: [...versions],
    };
  }

  async function reconcile(api: ClusterApi, crd: KubeObject): Promise<void> {
    const problem = clash(crd);
    if (problem === undefined) serve(crd);
    if (crd.metadata.deletionTimestamp !== undefined) {
      await removeObjects(api, crd);
      return;
    }
    const status = statusOf(crd, problem);
    if (!sameJson(status, crd["status"])) {
      await api.updateStatus(CRDS, { ...crd, metadata: { name: crd.metadata.name }, status });
    }
  }

  async function removeObjects(api: ClusterApi, crd: KubeObject): Promise<void> {
    const def = registry.all().find((each) => each.custom && each.storageKey === storageKey(crd));
    if (def) {
      for (const object of store.collection(def.storageKey).list(undefined)) {
        if (object.metadata.deletionTimestamp !== undefined) continue;
        await api.delete(def, object.metadata.namespace, object.metadata.name).catch(deps.onFailure);
      }
      if (store.collection(def.storageKey).size > 0) {
        // Finalizers hold some: look again after each removal.
        const waiting = store.collection(def.storageKey).subscribe((change) => {
          if (change.type !== "DELETED") return;
          waiting.close();
          queueMicrotask(() => void reconcile(api, crd).catch(deps.onFailure));
        });
        return;
      }
    }
    const finalizers = (crd.metadata.finalizers ?? []).filter((name) => name !== CRD_FINALIZER);
    await api.patch(CRDS, undefined, crd.metadata.name, { metadata: { finalizers } });
  }

  return {
    schemaOf: (def) => schemas.get(def),
    typeOf(def) {
      const known = types.get(def);
      if (known) return known;
      const schema = schemas.get(def);
      if (!schema) return undefined;
      const made = customType(schema, metadata);
      types.set(def, made);
      return made;
    },
    start(api) {
      // Served within the write itself: what is applied right after a CRD must find it.
      const direct = store.collection(CRD_KEY).subscribe((change) => {
        if (change.type === "DELETED") registry.setCustom(change.object.metadata.name, []);
        else if (isDict(change.object["spec"]) && clash(change.object) === undefined) serve(change.object);
      });
      const watch = api.watch(CRDS, {}, (event) => {
        if (event.type !== "DELETED") reconcile(api, event.object).catch(deps.onFailure);
      });
      closers.push(
        () => direct.close(),
        () => watch.close(),
      );
    },
    close() {
      for (const close of closers.splice(0)) close();
    },
  };
}

function storageKey(crd: KubeObject): string {
  return `${text(at(crd, "spec", "group"))}/${text(at(crd, "spec", "names", "plural"))}`;
}
