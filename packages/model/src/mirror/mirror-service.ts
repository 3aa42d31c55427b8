import {
  isObject,
  type KubeObject,
  type Link,
  readMeta,
  readObjects,
  type ServiceView,
  type StringMap,
} from "@heddle/config";
import { selects } from "../discovery-selectors.ts";
import type { MirrorObject } from "./mirror-input.ts";
import { MIRROR_PREFIX, MIRRORED } from "./names.ts";

/** How a Service asks to be mirrored, by the Link's selectors; "no" for a mirror, whatever its labels say. */
export function exportOf(service: KubeObject, { spec }: Link): "gateway" | "remote-discovery" | "no" {
  const { labels } = readMeta(service.metadata);
  // A mirror of a mirror would come back to where it is from.
  if (labels[MIRRORED] !== undefined) return "no";
  if (chooses(spec.remoteDiscoverySelector, labels)) return "remote-discovery";
  return chooses(spec.selector, labels) ? "gateway" : "no";
}

export function isFederated(service: KubeObject, { spec }: Link): boolean {
  const { labels } = readMeta(service.metadata);
  return labels[MIRRORED] === undefined && chooses(spec.federatedServiceSelector, labels);
}

/** An empty selector chooses nothing. Source: Linkerd. */
function chooses(selector: Link["spec"]["selector"], labels: StringMap): boolean {
  if (selector === undefined) return false;
  if (Object.keys(selector.matchLabels).length + selector.matchExpressions.length === 0) return false;
  return selects(selector, labels);
}

/** What one cluster knows only of itself, and what kubectl notes for its own use. */
const OWN_ANNOTATIONS = new Set([
  "service.kubernetes.io/topology-aware-hints",
  "service.kubernetes.io/topology-mode",
  "kubectl.kubernetes.io/last-applied-configuration",
]);

/** Labels and annotations that go with a Service into other clusters. */
export function copiedMeta(service: KubeObject, link: Link | undefined): { labels: StringMap; annotations: StringMap } {
  const meta = readMeta(service.metadata);
  const without = (excluded: readonly string[]) => (key: string) =>
    !excluded.some((one) => (one.endsWith("/*") ? key.startsWith(one.slice(0, -1)) : one === key));
  const label = without(link?.spec.excludedLabels ?? []);
  const annotation = without(link?.spec.excludedAnnotations ?? []);
  const pick = (map: StringMap, keep: (key: string) => boolean) =>
    Object.fromEntries(Object.entries(map).filter(([key]) => !key.startsWith(MIRROR_PREFIX) && keep(key)));
  return {
    labels: pick(meta.labels, label),
    annotations: pick(meta.annotations, (key) => !OWN_ANNOTATIONS.has(key) && annotation(key)),
  };
}

/** A Service without selector, with the ports of another. */
export function mirrorService(metadata: MirrorObject["metadata"], from: KubeObject, headless = false): MirrorObject {
  const spec = isObject(from["spec"]) ? from["spec"] : {};
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: {
      ...(headless ? { clusterIP: "None" } : {}),
      ports: readObjects(spec["ports"]).map((port) => ({ protocol: "TCP", ...port, nodePort: undefined })),
    },
  };
}

/** Why a Service can't be mirrored under a name; undefined when it can. */
export function mirrorProblem(view: ServiceView, name: string): string | undefined {
  if (view.type === "ExternalName") return "it is an ExternalName: its target is outside, call that instead";
  if (view.ports.length === 0) return "it has no ports";
  if (name.length > 63) return `its mirror's name ${name} would have more than 63 characters; shorten its own`;
  return undefined;
}
