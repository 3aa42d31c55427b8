import type { JsonObject, StringMap } from "@heddle/config";
import type { InjectContext } from "./context.ts";
import type { SidecarOptions } from "./options.ts";
import type { PodOwner } from "./owner.ts";
import { stringsAt } from "./pod.ts";
import { sidecarVolumeNames } from "./volumes.ts";

export interface MetadataInput {
  readonly context: InjectContext;
  readonly options: SidecarOptions;
  readonly owner: PodOwner;
  readonly scrape: StringMap;
  readonly dialect: "istio" | "linkerd";
  readonly gateway: boolean;
}

/** Labels and annotations of an injected pod. What the user has set stays. */
export function podMetadata(metadata: JsonObject, input: MetadataInput): JsonObject {
  const { context, options, owner } = input;
  const labels = stringsAt(metadata, "labels");
  const annotations = stringsAt(metadata, "annotations");
  const network = context.values.global.network;
  const revision = context.values.revision === "" ? "default" : context.values.revision;
  return {
    ...metadata,
    labels: {
      // A gateway takes what its Gateway resources say, not mesh mTLS on every port.
      ...(input.gateway ? {} : { "security.istio.io/tlsMode": "istio" }),
      "service.istio.io/canonical-name": labels["app.kubernetes.io/name"] ?? labels["app"] ?? owner.name,
      "service.istio.io/canonical-revision": labels["app.kubernetes.io/version"] ?? labels["version"] ?? "latest",
      ...(network === "" ? {} : { "topology.istio.io/network": network }),
      ...(input.dialect === "linkerd" ? linkerdLabels(context, owner) : {}),
      ...labels,
    },
    annotations: {
      ...tapRefusal(context),
      ...annotations,
      ...context.values.sidecarInjectorWebhook.injectedAnnotations,
      ...input.scrape,
      "istio.io/rev": revision,
      "sidecar.istio.io/status": status(options, context, revision),
    },
  };
}

const DISABLE_TAP = "viz.linkerd.io/disable-tap";

/** A namespace may keep its calls from being watched; the proxy looks at its own pod only. Source: Linkerd's tap injector. */
function tapRefusal({ namespace }: InjectContext): StringMap {
  const refused = namespace.annotations[DISABLE_TAP];
  return refused === undefined ? {} : { [DISABLE_TAP]: refused };
}

function linkerdLabels(context: InjectContext, owner: PodOwner): StringMap {
  return {
    "linkerd.io/control-plane-ns": context.values.global.istioNamespace,
    "linkerd.io/workload-ns": context.namespace.name,
    [`linkerd.io/proxy-${owner.kind.toLowerCase()}`]: owner.name,
  };
}

function status(options: SidecarOptions, context: InjectContext, revision: string): string {
  const intercept = context.values.istio_cni.enabled || options.interceptionMode === "NONE" ? [] : ["istio-init"];
  return JSON.stringify({
    initContainers: [...intercept, ...(options.nativeSidecar ? ["istio-proxy"] : [])],
    containers: options.nativeSidecar ? [] : ["istio-proxy"],
    volumes: [...sidecarVolumeNames],
    imagePullSecrets: context.values.global.imagePullSecrets,
    revision,
  });
}
