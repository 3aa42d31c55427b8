import { isObject, type Json, type JsonObject, type Problem } from "@heddle/config";
import type { InjectContext } from "./context.ts";
import { decide, isCustomisation, type SkipReason } from "./decision.ts";
import { interceptContainer } from "./init-container.ts";
import { diff, type PatchOperation } from "./json-patch.ts";
import { podMetadata } from "./metadata.ts";
import { readOptions, type SidecarOptions } from "./options.ts";
import { podOwner } from "./owner.ts";
import { isGateway, listAt, objectAt, stringsAt, textAt } from "./pod.ts";
import { rewriteProbes } from "./probes.ts";
import { mergeScrape } from "./prometheus.ts";
import { isProxyless, withAgentRole, withGrpcApplications } from "./proxyless.ts";
import { sidecarContainer } from "./sidecar-container.ts";
import { sidecarVolumes } from "./volumes.ts";

export type InjectOutcome =
  | {
      readonly kind: "injected";
      readonly pod: JsonObject;
      readonly patch: readonly PatchOperation[];
      readonly because: string;
    }
  | { readonly kind: "skipped"; readonly reason: SkipReason }
  /** Asked for, but its annotations are wrong. */
  | { readonly kind: "refused"; readonly problems: readonly Problem[] };

/** Gives a pod its sidecar if it is to have one. The pod is not changed; the patch leads from it to the result. */
export function injectPod(pod: JsonObject, context: InjectContext): InjectOutcome {
  const decision = decide(pod, context);
  if (!decision.inject) return { kind: "skipped", reason: decision.reason };
  const rendered = renderSidecar(pod, context, decision.dialect);
  if (rendered.kind === "refused") return rendered;
  return { kind: "injected", pod: rendered.pod, patch: diff(pod, rendered.pod), because: decision.because };
}

export type Rendered =
  | { readonly kind: "rendered"; readonly pod: JsonObject }
  | { readonly kind: "refused"; readonly problems: readonly Problem[] };

/** Adds the sidecar without asking whether it is wanted (`heddle inject --manual`). */
export function renderSidecar(original: JsonObject, context: InjectContext, dialect: "istio" | "linkerd"): Rendered {
  const metadata = objectAt(original, "metadata");
  const annotations = stringsAt(original, "metadata", "annotations");
  const name = textAt(metadata, "name") || `${textAt(metadata, "generateName")}*`;
  const read = readOptions(annotations, context, `Pod ${context.namespace.name}/${name}`);
  const { problems } = read;
  if (problems.length > 0) return { kind: "refused", problems };
  const proxyless = isProxyless(original);
  // A gateway is the pod's own program, and strangers call it where it listens.
  const options: SidecarOptions = isGateway(original)
    ? { ...read.options, nativeSidecar: false, holdApplication: false, interceptionMode: "NONE", rewriteProbes: false }
    : proxyless
      ? { ...read.options, interceptionMode: "NONE", rewriteProbes: false }
      : read.options;

  const probes = options.rewriteProbes
    ? rewriteProbes(original, options.statusPort)
    : { pod: original, probers: undefined };
  const scrape = options.mergeMetrics
    ? mergeScrape(annotations, options.statusPort)
    : { annotations: {}, scrape: undefined };
  const owner = podOwner(original, context.namespace.name);
  const container = sidecarContainer({
    pod: original,
    context,
    options,
    owner,
    probers: probes.probers,
    scrape: scrape.scrape,
  });
  const base = proxyless ? withAgentRole(container) : container;
  const spec = objectAt(probes.pod, "spec");
  const customisation = [...listAt(spec, "initContainers"), ...listAt(spec, "containers")].find(
    (container) => container["name"] === "istio-proxy" && isCustomisation(container),
  );
  const sidecar = customisation === undefined ? base : customise(base, customisation);
  const injected = podSpec(spec, sidecar, options, context);
  return {
    kind: "rendered",
    pod: {
      ...probes.pod,
      metadata: podMetadata(metadata, {
        context,
        options,
        owner,
        scrape: scrape.annotations,
        dialect,
        // Neither ends mesh mTLS as a sidecar does.
        gateway: isGateway(original) || proxyless,
      }),
      spec: proxyless ? withGrpcApplications(injected) : injected,
    },
  };
}

function podSpec(spec: JsonObject, sidecar: JsonObject, options: SidecarOptions, context: InjectContext): JsonObject {
  const withoutProxy = (key: string): readonly JsonObject[] =>
    listAt(spec, key).filter((container) => container["name"] !== "istio-proxy");
  const intercept =
    context.values.istio_cni.enabled || options.interceptionMode === "NONE"
      ? []
      : [interceptContainer(options, context)];
  const initContainers = [...intercept, ...(options.nativeSidecar ? [sidecar] : []), ...withoutProxy("initContainers")];
  const apps = withoutProxy("containers");
  // Held back, the application starts after the proxy, so the proxy has to stand first.
  const containers = options.nativeSidecar ? apps : options.holdApplication ? [sidecar, ...apps] : [...apps, sidecar];
  const secrets = context.values.global.imagePullSecrets.map((name) => ({ name }));
  const present = new Set(listAt(spec, "volumes").map((volume) => textAt(volume, "name")));
  return {
    ...spec,
    initContainers,
    containers,
    volumes: [
      ...listAt(spec, "volumes"),
      ...sidecarVolumes(options).filter((volume) => !present.has(textAt(volume, "name"))),
    ],
    ...searchDomains(spec, context),
    ...(secrets.length > 0 ? { imagePullSecrets: [...listAt(spec, "imagePullSecrets"), ...secrets] } : {}),
  };
}

const NAMESPACE_TEMPLATE = /\{\{[^}]*\.DeploymentMeta\.Namespace[^}]*\}\}/g;

/** The pod's own search domains stand before those of the mesh. A pod that takes nothing from the cluster's DNS is left alone. */
function searchDomains(spec: JsonObject, context: InjectContext): JsonObject {
  const wanted = context.values.global.podDNSSearchNamespaces.map((domain) =>
    domain.replace(NAMESPACE_TEMPLATE, context.namespace.name),
  );
  if (wanted.length === 0 || textAt(spec, "dnsPolicy") === "None") return {};
  const own = objectAt(spec, "dnsConfig");
  const searches = Array.isArray(own["searches"]) ? own["searches"] : [];
  return { dnsConfig: { ...own, searches: [...searches, ...wanted.filter((domain) => !searches.includes(domain))] } };
}

/** The user's `istio-proxy` over the injected one: maps merge, lists with names merge by name, the rest is replaced. */
function customise(base: JsonObject, over: JsonObject): JsonObject {
  const merged = merge(base, over);
  return isObject(merged) ? { ...(merged as JsonObject), image: base["image"], name: "istio-proxy" } : base;
}

function merge(base: Json, over: Json): Json {
  if (isObject(base) && isObject(over)) {
    const out: Record<string, Json | undefined> = { ...(base as JsonObject) };
    for (const [key, value] of Object.entries(over as JsonObject)) {
      const old = out[key];
      out[key] = old === undefined || value === undefined ? (value ?? old) : merge(old, value);
    }
    return out;
  }
  if (
    Array.isArray(base) &&
    Array.isArray(over) &&
    [...base, ...over].every((item) => isObject(item) && typeof item["name"] === "string")
  ) {
    const items = over as readonly JsonObject[];
    const kept = (base as readonly JsonObject[]).map((item) => {
      const change = items.find((candidate) => candidate["name"] === item["name"]);
      return change === undefined ? item : merge(item, change);
    });
    return [
      ...kept,
      ...items.filter((item) => !(base as readonly JsonObject[]).some((old) => old["name"] === item["name"])),
    ];
  }
  return over;
}
