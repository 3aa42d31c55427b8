import type { DraftMap, ObjectDrafts } from "./draft.ts";
import { type Dirt, store } from "./events.ts";
import { ingressResources, isFromIngress } from "./ingress-resources.ts";
import type { MeshSettings } from "./settings.ts";

/** Keeps the Gateways and VirtualServices that Ingresses stand for beside those that people wrote. Ports have names in Services only. */
export function followIngresses(drafts: ObjectDrafts, settings: MeshSettings, dirt: Dirt): void {
  const some = drafts.ingresses.current.size > 0;
  if (!dirt.ingresses && !(some && (dirt.services.size > 0 || dirt.everything))) return;
  const { mesh, rootNamespace, domain } = settings;
  const { gateways, virtualServices } = ingressResources(drafts.ingresses.current.values(), {
    mesh,
    rootNamespace,
    domain,
    services: drafts.services.current,
    classes: drafts.ingressClasses.current,
  });
  if (replace(drafts.gateways, gateways)) dirt.routing = true;
  if (replace(drafts.virtualServices, virtualServices)) dirt.routing = true;
}

function replace<T extends { readonly ref: { readonly namespace: string; readonly name: string } }>(
  map: DraftMap<T>,
  wanted: readonly T[],
): boolean {
  const made = new Map(wanted.map((one) => [`${one.ref.namespace}/${one.ref.name}`, one]));
  let changed = false;
  for (const key of [...map.current.keys()]) {
    if (isFromIngress(key) && !made.has(key)) changed = store(map, key, undefined) || changed;
  }
  for (const [key, one] of made) changed = store(map, key, one) || changed;
  return changed;
}
