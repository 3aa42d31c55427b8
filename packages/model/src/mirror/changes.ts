import { isObject, type KubeObject, readMeta } from "@heddle/config";
import type { LinkedCluster, MirrorObject, MirrorPlan } from "./mirror-input.ts";
import { CLUSTER_NAME, MIRRORED, MIRRORED_GATEWAY, REMOTE_DISCOVERY } from "./names.ts";

/** What has to be written so that this cluster is as planned. */
export interface MirrorChanges {
  readonly apply: readonly MirrorObject[];
  /** Slices before Services. */
  readonly remove: readonly KubeObject[];
}

/** Whether an object of this cluster is (part of) a mirror; only those are ever changed or deleted. */
export function isMirror(object: KubeObject): boolean {
  const { labels } = readMeta(object.metadata);
  return labels[MIRRORED] === "true" || labels[MIRRORED_GATEWAY] === "true";
}

/**
 * The way from what is there to the plan. Mirrors of a cluster that is linked but not known (its API server has not answered since the
 * start) stay as they are; those of a cluster that is linked no longer go.
 */
export function mirrorChanges(
  plan: MirrorPlan,
  present: readonly KubeObject[],
  links: readonly LinkedCluster[],
): MirrorChanges {
  const found = new Map(present.map((object) => [keyOf(object), object]));
  const wanted = new Set(plan.objects.map(keyOf));
  const unknown = new Set(links.filter(({ known }) => !known).map(({ link }) => link.spec.targetClusterName));
  const stays = (object: KubeObject): boolean => {
    const { labels, annotations } = readMeta(object.metadata);
    if (labels[MIRRORED_GATEWAY] === "true") return false;
    const cluster = labels[CLUSTER_NAME];
    if (cluster !== undefined) return unknown.has(cluster);
    const members = (annotations[REMOTE_DISCOVERY] ?? "").split(",").map((one) => one.slice(one.indexOf("@") + 1));
    return members.some((member) => unknown.has(member));
  };
  // A Service can't become headless, or be it no longer: it goes, and comes again at the next look.
  const unfit = new Set(
    plan.objects.flatMap((object) => {
      const there = object.kind === "Service" ? found.get(keyOf(object)) : undefined;
      return there !== undefined && isMirror(there) && isHeadless(there) !== isHeadless(object) ? [keyOf(object)] : [];
    }),
  );
  return {
    apply: plan.objects.filter((object) => !unfit.has(keyOf(object)) && !holds(found.get(keyOf(object)), object)),
    remove: present
      .filter(
        (object) => unfit.has(keyOf(object)) || (isMirror(object) && !wanted.has(keyOf(object)) && !stays(object)),
      )
      .toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind)),
  };
}

function isHeadless(service: KubeObject): boolean {
  const spec = service["spec"];
  return isObject(spec) && spec["clusterIP"] === "None";
}

const ORDER = ["EndpointSlice", "Endpoints", "Service"];

function keyOf(object: KubeObject): string {
  return `${object.kind} ${object.metadata.namespace ?? ""}/${object.metadata.name}`;
}

/** Whether an object is already as it should be: its labels and annotations exactly, elsewhere the server may have added fields. */
function holds(actual: KubeObject | undefined, wanted: MirrorObject): boolean {
  if (actual === undefined) return false;
  const meta = readMeta(actual.metadata);
  // Kubernetes' own controllers add this one label to Endpoints.
  const { "service.kubernetes.io/headless": _headless, ...labels } = meta.labels;
  if (!equal(labels, wanted.metadata.labels) || !equal(meta.annotations, wanted.metadata.annotations)) return false;
  return Object.entries(wanted).every(([key, value]) => key === "metadata" || contains(actual[key], value));
}

function equal(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

/** Lists are compared as sets: the API server reorders endpoints. An absent list is an empty one, an absent text is "". */
function contains(actual: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    const list = Array.isArray(actual) ? actual : [];
    return list.length === wanted.length && wanted.every((one) => list.some((other) => contains(other, one)));
  }
  if (isObject(wanted)) {
    const fields = isObject(actual) ? actual : {};
    return Object.entries(wanted).every(([key, value]) => contains(fields[key], value));
  }
  return actual === wanted || (wanted === "" && actual === undefined);
}
