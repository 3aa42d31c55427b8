import type { JsonObject } from "@heddle/config";
import { listAt, objectAt, textAt } from "../pod.ts";
import type { ManifestChange } from "./annotate.ts";
import { replaceAt, templatePath, withMetadata } from "./pod-template.ts";
import { restoreApplication } from "./restore.ts";

const CONTAINERS = new Set(["istio-proxy", "istio-init"]);
const VOLUMES = new Set([
  "istio-token",
  "istiod-ca-cert",
  "istio-podinfo",
  "istio-envoy",
  "istio-data",
  "workload-socket",
  "workload-certs",
]);

/** Takes the sidecar, and the wish for one, out of every pod template. */
export function uninjectManifest(object: JsonObject): ManifestChange {
  if (textAt(object, "kind").endsWith("List") && Array.isArray(object["items"])) {
    const parts = listAt(object, "items").map(uninjectManifest);
    return { object: { ...object, items: parts.map((p) => p.object) }, outcomes: parts.flatMap((p) => p.outcomes) };
  }
  const name = textAt(objectAt(object, "metadata"), "name");
  const kind = textAt(object, "kind").toLowerCase();
  const path = templatePath(object);
  if (path === undefined) return { object, outcomes: [{ kind, name, result: "skipped", reason: "", warnings: [] }] };
  const pod = path.length ? objectAt(object, ...path) : object;
  const cleaned = withoutWish(withoutSidecar(restoreApplication(pod)));
  return {
    object: replaceAt(object, path, cleaned),
    outcomes: [{ kind, name, result: "uninjected", reason: "", warnings: [] }],
  };
}

function withoutSidecar(pod: JsonObject): JsonObject {
  const spec = objectAt(pod, "spec");
  const keep = (key: string, names: ReadonlySet<string>): JsonObject => {
    if (!Array.isArray(spec[key])) return {};
    const left = listAt(spec, key).filter((entry) => !names.has(textAt(entry, "name")));
    return left.length > 0 ? { [key]: left } : {};
  };
  const { containers: _c, initContainers: _i, volumes: _v, ...others } = spec;
  return {
    ...pod,
    spec: {
      ...others,
      ...keep("initContainers", CONTAINERS),
      ...keep("containers", CONTAINERS),
      ...keep("volumes", VOLUMES),
    },
  };
}

function withoutWish(pod: JsonObject): JsonObject {
  const annotations = Object.keys(objectAt(pod, "metadata", "annotations")).filter(
    (key) =>
      key === "linkerd.io/inject" ||
      key.startsWith("config.linkerd.io/") ||
      key === "sidecar.istio.io/status" ||
      key === "istio.io/rev" ||
      key === "heddle.io/data-plane",
  );
  const linkerd = Object.keys(objectAt(pod, "metadata", "labels")).filter((key) =>
    /^linkerd\.io\/(control-plane-ns|workload-ns|proxy-)/.test(key),
  );
  const labels = [
    ...linkerd,
    "sidecar.istio.io/inject",
    "security.istio.io/tlsMode",
    "service.istio.io/canonical-name",
    "service.istio.io/canonical-revision",
  ];
  return withMetadata(pod, {
    labels: Object.fromEntries(labels.map((key) => [key, undefined])),
    annotations: Object.fromEntries(annotations.map((key) => [key, undefined])),
  });
}
