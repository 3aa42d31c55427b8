import { isObject, type Json, type JsonObject } from "@heddle/config";
import { listAt, objectAt, stringsAt, textAt } from "../pod.ts";
import { withMetadata } from "./pod-template.ts";

const PROBES = ["livenessProbe", "readinessProbe", "startupProbe"] as const;

/** Undoes what injection changed of the application itself, from what the sidecar's environment remembers: probes and metrics annotations. */
export function restoreApplication(pod: JsonObject): JsonObject {
  const spec = objectAt(pod, "spec");
  const sidecar = [...listAt(spec, "initContainers"), ...listAt(spec, "containers")].find(
    (container) => container["name"] === "istio-proxy",
  );
  if (sidecar === undefined) return pod;
  const probers = remembered(sidecar, "ISTIO_KUBE_APP_PROBERS");
  const restored: Record<string, Json> = {};
  for (const key of ["initContainers", "containers"])
    if (Array.isArray(spec[key])) restored[key] = listAt(spec, key).map((c) => withProbes(c, probers));
  return withMetadata({ ...pod, spec: { ...spec, ...restored } }, { annotations: scrapeAnnotations(pod, sidecar) });
}

function remembered(sidecar: JsonObject, name: string): JsonObject {
  const variable = listAt(sidecar, "env").find((entry) => entry["name"] === name);
  try {
    const value: unknown = JSON.parse(textAt(variable ?? {}, "value") || "{}");
    return isObject(value) ? (value as JsonObject) : {};
  } catch {
    return {};
  }
}

function withProbes(container: JsonObject, probers: JsonObject): JsonObject {
  const changes: Record<string, Json> = {};
  for (const field of PROBES) {
    const { httpGet, ...rest } = objectAt(container, field);
    const original = isObject(httpGet) ? probers[textAt(httpGet as JsonObject, "path")] : undefined;
    if (isObject(original)) changes[field] = { ...rest, ...(original as JsonObject) };
  }
  return { ...container, ...changes };
}

/** The application's own annotations, or none where only injection set them. */
function scrapeAnnotations(pod: JsonObject, sidecar: JsonObject): Readonly<Record<string, string | undefined>> {
  const annotations = stringsAt(pod, "metadata", "annotations");
  if (annotations["prometheus.io/path"] !== "/stats/prometheus") return {};
  const own = stringsAt(remembered(sidecar, "ISTIO_PROMETHEUS_ANNOTATIONS"));
  return Object.fromEntries(["scrape", "path", "port"].map((key) => [`prometheus.io/${key}`, own[key]]));
}
