import type { JsonObject } from "@heddle/config";
import type { InjectContext } from "../context.ts";
import { obstacle } from "../decision.ts";
import { renderSidecar } from "../inject-pod.ts";
import { listAt, objectAt, textAt } from "../pod.ts";
import type { ManifestOutcome } from "./outcome.ts";
import { replaceAt, templatePath, withMetadata } from "./pod-template.ts";

export interface ManifestChange {
  readonly object: JsonObject;
  readonly outcomes: readonly ManifestOutcome[];
}

export interface AnnotateOptions {
  /** Value of `linkerd.io/inject`. Default: `enabled`. */
  readonly mode: "enabled" | "ingress";
  /** Further annotations for the pod template (`config.linkerd.io/…`). */
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * Asks for a sidecar in every pod template of an object (`heddle inject`): annotation `linkerd.io/inject`, and label
 * `sidecar.istio.io/inject`, which the webhook's selector can see: so such a pod waits while the control plane is away instead of starting bare.
 */
export function annotateManifest(object: JsonObject, options: AnnotateOptions): ManifestChange {
  return changeManifest(object, (pod) => ({
    pod: withMetadata(pod, {
      labels: { "sidecar.istio.io/inject": "true" },
      annotations: { "linkerd.io/inject": options.mode, ...options.annotations },
    }),
    failure: undefined,
  }));
}

/** Puts the sidecar itself into every pod template (`heddle inject --manual`). */
export function renderManifest(
  object: JsonObject,
  contextOf: (namespace: string | undefined) => InjectContext,
): ManifestChange {
  const context = contextOf(textAt(objectAt(object, "metadata"), "namespace") || undefined);
  return changeManifest(
    object,
    (pod) => {
      const rendered = renderSidecar(pod, context, "istio");
      if (rendered.kind === "rendered") return { pod: rendered.pod, failure: undefined };
      return { pod, failure: rendered.problems.map((p) => `${p.path}: ${p.reason}`).join("; ") };
    },
    contextOf,
  );
}

type PodChange = (pod: JsonObject) => { readonly pod: JsonObject; readonly failure: string | undefined };

function changeManifest(
  object: JsonObject,
  change: PodChange,
  contextOf?: (namespace: string | undefined) => InjectContext,
): ManifestChange {
  if (textAt(object, "kind").endsWith("List") && Array.isArray(object["items"])) {
    const parts = listAt(object, "items").map((item) =>
      contextOf ? renderManifest(item, contextOf) : changeManifest(item, change),
    );
    return { object: { ...object, items: parts.map((p) => p.object) }, outcomes: parts.flatMap((p) => p.outcomes) };
  }
  const metadata = objectAt(object, "metadata");
  const named = {
    kind: textAt(object, "kind").toLowerCase(),
    name: textAt(metadata, "name") || textAt(metadata, "generateName"),
  };
  const skipped = (reason: string): ManifestChange => ({
    object,
    outcomes: [{ ...named, result: "skipped", reason, warnings: [] }],
  });
  const path = templatePath(object);
  if (path === undefined) return skipped("");
  const pod = path.length ? objectAt(object, ...path) : object;
  const annotation = objectAt(pod, "metadata", "annotations")["linkerd.io/inject"];
  if (annotation === "disabled") return skipped("annotated to disable injection");
  const blocked = obstacle(pod, textAt(metadata, "namespace"));
  if (blocked) return { object, outcomes: [{ ...named, result: "failed", reason: blocked.text, warnings: [] }] };
  const { pod: changed, failure } = change(pod);
  if (failure !== undefined)
    return { object, outcomes: [{ ...named, result: "failed", reason: failure, warnings: [] }] };
  return {
    object: replaceAt(object, path, changed),
    outcomes: [{ ...named, result: "injected", reason: "", warnings: warningsOf(pod, `${named.kind}/${named.name}`) }],
  };
}

/** What will not work as hoped although the sidecar fits. */
function warningsOf(pod: JsonObject, name: string): readonly string[] {
  const spec = objectAt(pod, "spec");
  const udp = listAt(spec, "containers").some((c) => listAt(c, "ports").some((p) => p["protocol"] === "UDP"));
  const noToken = spec["automountServiceAccountToken"] === false;
  return [
    ...(udp ? [`${name} uses "protocol: UDP": the mesh carries TCP only`] : []),
    ...(noToken
      ? [`${name} has automountServiceAccountToken "false": the sidecar brings its own projected token`]
      : []),
  ];
}
