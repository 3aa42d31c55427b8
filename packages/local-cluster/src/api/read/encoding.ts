import type { KubeObject } from "../../contract/index.ts";
import { joinApiVersion } from "../json/kube-object.ts";
import type { ResourceDefinition } from "../resources/resource-definition.ts";

/**
 * JSON text of stored objects. Objects are frozen, so their text is kept with them: all watches and reads of one version share it.
 */
export interface Encoding {
  /** The object as the definition's version shows it. */
  view(def: ResourceDefinition, object: KubeObject): KubeObject;
  text(def: ResourceDefinition, object: KubeObject): string;
}

export function createEncoding(): Encoding {
  const texts = new WeakMap<KubeObject, string>();
  const views = new WeakMap<KubeObject, Map<string, KubeObject>>();

  function view(def: ResourceDefinition, object: KubeObject): KubeObject {
    const apiVersion = joinApiVersion(def.group, def.version);
    if (object.apiVersion === apiVersion) return object;
    let byVersion = views.get(object);
    if (!byVersion) {
      byVersion = new Map();
      views.set(object, byVersion);
    }
    let found = byVersion.get(apiVersion);
    if (!found) {
      found = { ...object, apiVersion };
      byVersion.set(apiVersion, found);
    }
    return found;
  }

  return {
    view,
    text(def, object) {
      const shown = view(def, object);
      let found = texts.get(shown);
      if (found === undefined) {
        found = JSON.stringify(shown);
        texts.set(shown, found);
      }
      return found;
    },
  };
}
