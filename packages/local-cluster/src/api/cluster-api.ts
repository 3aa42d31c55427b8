import type { ClusterApi, DeleteOptions, KubeObject, ResourceId, Selection, WatchEvent } from "../contract/index.ts";
import type { EventRecorder } from "./events/event-recorder.ts";
import { cloneDict, type Dict } from "./json/json-value.ts";
import { namespaceOf } from "./json/kube-object.ts";
import { mergePatched } from "./patch/merge-patch.ts";
import type { Encoding } from "./read/encoding.ts";
import { getObject } from "./read/reader.ts";
import { parseSelection, select } from "./read/selection.ts";
import type { Registry } from "./resources/registry.ts";
import type { ResourceDefinition } from "./resources/resource-definition.ts";
import { scaleOf, withReplicas } from "./resources/scale.ts";
import type { Store } from "./store/store.ts";
import { watchObjects } from "./watch/object-watch.ts";
import { trustedRequest } from "./write/write-request.ts";
import type { Writer } from "./write/writer.ts";

export interface ClusterApiDeps {
  readonly registry: Registry;
  readonly store: Store;
  readonly writer: Writer;
  readonly encoding: Encoding;
  readonly events: EventRecorder;
  /** Answers what is posted to a subresource (`serviceaccounts/token`, `pods/binding`, `pods/eviction`) or a review. */
  post(def: ResourceDefinition, subresource: string, namespace: string, name: string, body: Dict): Promise<KubeObject>;
  onWatchFailure(error: unknown): void;
}

interface Target {
  readonly def: ResourceDefinition;
  readonly subresource: string;
}

/** The API without HTTP: for controllers, kubelet, DNS and service proxy. */
export function createClusterApi(deps: ClusterApiDeps): ClusterApi {
  const { registry, store, writer, encoding } = deps;

  function target(id: ResourceId): Target {
    const [resource = "", subresource = ""] = id.resource.split("/");
    return { def: registry.need({ ...id, resource }), subresource };
  }

  async function replace(id: ResourceId, object: KubeObject, forced = ""): Promise<KubeObject> {
    const { def, subresource } = target(id);
    const { name } = object.metadata;
    const request = trustedRequest(forced === "" ? subresource : forced);
    return encoding.view(def, await writer.update(def, namespaceOf(object), name, cloneDict(object), request));
  }

  return {
    async get(id, namespace, name) {
      const { def, subresource } = target(id);
      const found = encoding.view(def, getObject(store, def, namespace ?? "", name));
      return subresource === "scale" ? scaleOf(def, found) : found;
    },
    async list(id, selection: Selection = {}) {
      const { def } = target(id);
      const parsed = parseSelection(def, selection.namespace, selection.labelSelector, selection.fieldSelector);
      return select(store.collection(def.storageKey).list(parsed.namespace), parsed).map((object) =>
        encoding.view(def, object),
      );
    },
    async create(id, object) {
      const { def, subresource } = target(id);
      if (subresource !== "" || !def.stored) {
        return deps.post(def, subresource, namespaceOf(object), object.metadata.name, object);
      }
      return encoding.view(def, await writer.create(def, namespaceOf(object), cloneDict(object), trustedRequest()));
    },
    update: (id, object) => replace(id, object),
    updateStatus: (id, object) => replace(id, object, "status"),
    async patch(id, namespace, name, mergePatch, subresource = "") {
      const { def } = target(id);
      const request = trustedRequest(subresource);
      if (subresource === "scale") return patchScale(def, namespace ?? "", name, mergePatch);
      const written = await writer.change(def, namespace ?? "", name, request, (present) =>
        mergePatched(present, mergePatch),
      );
      return encoding.view(def, written);
    },
    async delete(id, namespace, name, options: DeleteOptions = {}) {
      const { def } = target(id);
      await writer.delete(def, namespace ?? "", name, options, trustedRequest());
    },
    watch(id, selection, onEvent, onSync) {
      const { def } = target(id);
      const parsed = parseSelection(def, selection.namespace, selection.labelSelector, selection.fieldSelector);
      const shown = (event: WatchEvent) => onEvent({ type: event.type, object: encoding.view(def, event.object) });
      return watchObjects(store.collection(def.storageKey), parsed, shown, onSync, deps.onWatchFailure);
    },
    event(about, type, reason, message, component) {
      deps.events.record(about, type, reason, message, component);
    },
  };

  async function patchScale(
    def: ResourceDefinition,
    namespace: string,
    name: string,
    mergePatch: unknown,
  ): Promise<KubeObject> {
    const written = await writer.change(def, namespace, name, trustedRequest(), (present) => {
      const wanted = mergePatched(scaleOf(def, present), mergePatch);
      return withReplicas(def, present, wanted);
    });
    return scaleOf(def, written);
  }
}
