import type { Problem } from "@heddle/config";
import type { DraftMap, ObjectDrafts } from "./draft.ts";
import { type Dirt, store } from "./events.ts";
import { ingressResources, isFromIngress } from "./ingress-resources.ts";
import type { MeshSettings } from "./settings.ts";

/** Keeps the Gateways and VirtualServices that Ingresses stand for beside those that people wrote. Ports have names in Services only. */
export function followIngresses(
  drafts: ObjectDrafts,
  problems: DraftMap<readonly Problem[]>,
  settings: MeshSettings,
  dirt: Dirt,
): void {
  const some = drafts.ingresses.current.size > 0;
  if (!dirt.ingresses && !(some && (dirt.services.size > 0 || dirt.everything))) return;
  const { mesh, rootNamespace, domain } = settings;
  const made = ingressResources(drafts.ingresses.current.values(), {
    mesh,
    rootNamespace,
    domain,
    services: drafts.services.current,
    classes: drafts.ingressClasses.current,
  });
  if (replace(drafts.gateways, byKey(made.gateways), isFromIngress)) dirt.routing = true;
  if (replace(drafts.virtualServices, byKey(made.virtualServices), isFromIngress)) dirt.routing = true;
  replace(problems, made.problems, (key) => key.startsWith("networking.k8s.io/Ingress/"));
}

function byKey<T extends { readonly ref: { readonly namespace: string; readonly name: string } }>(list: readonly T[]) {
  return new Map(list.map((one) => [`${one.ref.namespace}/${one.ref.name}`, one]));
}

/** @param isOurs Whether what is kept under a key was made here. */
function replace<T>(map: DraftMap<T>, wanted: ReadonlyMap<string, T>, isOurs: (key: string) => boolean): boolean {
  let changed = false;
  for (const key of [...map.current.keys()]) {
    if (isOurs(key) && !wanted.has(key)) changed = store(map, key, undefined) || changed;
  }
  for (const [key, one] of wanted) changed = store(map, key, one) || changed;
  return changed;
}
