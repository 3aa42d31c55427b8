import { type ConfigPatch, type EnvoyFilter, labelsMatch, type ObjectRef, type StringMap } from "@heddle/config";
import { byAge } from "./namespace-scope.ts";
import { isTarget } from "./policy-targets.ts";
import type { MeshState } from "./state.ts";

/** One patch of an EnvoyFilter that applies to a proxy. */
export interface ResourcePatch {
  readonly source: ObjectRef;
  /** Position in the EnvoyFilter, for messages. */
  readonly index: number;
  readonly patch: ConfigPatch;
}

export type PatchContext = ConfigPatch["match"]["context"];

export interface PatchedProxy {
  readonly kind: "sidecar" | "router";
  readonly namespace: string;
  readonly labels: StringMap;
  readonly version: string;
  readonly metadata: StringMap;
}

/** Patches of the root namespace first, then the proxy's; by priority, then by age. Source: istio pilot/pkg/model/envoyfilter.go. */
export function resourcePatches(
  state: MeshState,
  proxy: PatchedProxy,
  wanted: (context: PatchContext) => boolean,
): readonly ResourcePatch[] {
  const { rootNamespace } = state.settings;
  const filters = [...state.objects.envoyFilters.values()].filter(({ ref, spec }) =>
    spec.targetRefs.length > 0
      ? ref.namespace === proxy.namespace && isTarget(state, spec.targetRefs, ref.namespace, proxy.labels)
      : (ref.namespace === rootNamespace || ref.namespace === proxy.namespace) &&
        labelsMatch(spec.workloadSelector?.labels ?? {}, proxy.labels),
  );
  const rank = (filter: EnvoyFilter): number => Number(filter.ref.namespace !== rootNamespace);
  filters.sort((a, b) => rank(a) - rank(b) || a.spec.priority - b.spec.priority || byAge(a, b));
  return filters.flatMap(({ ref, spec }) =>
    spec.configPatches.flatMap((patch, index) =>
      contextFits(patch.match.context, proxy) && wanted(patch.match.context) && proxyFits(patch, proxy)
        ? [{ source: ref, index, patch }]
        : [],
    ),
  );
}

function contextFits(context: PatchContext, proxy: PatchedProxy): boolean {
  if (context === "ANY") return true;
  return proxy.kind === "router"
    ? context === "GATEWAY"
    : context === "SIDECAR_INBOUND" || context === "SIDECAR_OUTBOUND";
}

function proxyFits({ match }: ConfigPatch, proxy: PatchedProxy): boolean {
  const { proxyVersion, metadata } = match.proxy ?? {};
  if (proxyVersion !== undefined && !versionFits(proxyVersion, proxy.version)) return false;
  return labelsMatch(metadata ?? {}, proxy.metadata);
}

function versionFits(pattern: string, version: string): boolean {
  try {
    return new RegExp(pattern, "u").test(version);
  } catch {
    return false;
  }
}

/** True when some EnvoyFilter looks at the proxy's version or metadata, which otherwise make no difference. */
export function patchedVersions(state: MeshState): boolean {
  return [...state.objects.envoyFilters.values()].some(({ spec }) =>
    spec.configPatches.some((patch) => patch.match.proxy !== undefined),
  );
}
