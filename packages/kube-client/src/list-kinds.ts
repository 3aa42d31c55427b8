import type { KubeClient } from "./kube-client.ts";
import { isKubeError } from "./kube-error.ts";
import type { KubeObject } from "./kube-object.ts";

/** A kind by its URL words. */
export interface ListedKind {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

export interface ListedKinds {
  readonly objects: readonly KubeObject[];
  /** Kinds that this user may not list, as `resource.group`. */
  readonly forbidden: readonly string[];
}

/** All objects of several kinds in all namespaces; each kind once. Kinds that are not served are none. Errors: `KubeError` for all else. */
export async function listKinds(kube: KubeClient, kinds: readonly ListedKind[]): Promise<ListedKinds> {
  const wanted = new Map(kinds.map((one) => [one.group === "" ? one.resource : `${one.resource}.${one.group}`, one]));
  const forbidden: string[] = [];
  const lists = await Promise.all(
    [...wanted].map(async ([name, { group, version, resource }]) => {
      try {
        return (await kube.list({ group, version, resource })).items;
      } catch (error) {
        if (isKubeError(error, 404)) return [];
        if (!isKubeError(error, 403)) throw error;
        forbidden.push(name);
        return [];
      }
    }),
  );
  return { objects: lists.flat(), forbidden: forbidden.sort() };
}
