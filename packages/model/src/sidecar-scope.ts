import { labelsMatch, type ObjectRef, type Sidecar, type StringMap } from "@heddle/config";
import { byAge, hostMatches } from "./namespace-scope.ts";
import type { MeshState } from "./state.ts";

/** What a Sidecar resource lets a proxy see. */
export interface SidecarScope {
  readonly sees: (hostname: string, namespace: string) => boolean;
  readonly outboundMode: "REGISTRY_ONLY" | "ALLOW_ANY";
  readonly sources: readonly ObjectRef[];
}

/** The Sidecar of a workload: one that selects it, else the namespace's, else the root namespace's; undefined when there is none. */
export function sidecarOf(
  state: MeshState,
  client: { readonly namespace: string; readonly labels: StringMap },
): Sidecar | undefined {
  const all = [...state.objects.sidecars.values()].sort(byAge);
  const selector = (sidecar: Sidecar): StringMap => sidecar.spec.workloadSelector?.labels ?? {};
  const own = all.filter((sidecar) => sidecar.ref.namespace === client.namespace);
  return (
    own.find((sidecar) => Object.keys(selector(sidecar)).length > 0 && labelsMatch(selector(sidecar), client.labels)) ??
    own.find((sidecar) => Object.keys(selector(sidecar)).length === 0) ??
    all.find(
      (sidecar) =>
        sidecar.ref.namespace === state.settings.rootNamespace && Object.keys(selector(sidecar)).length === 0,
    )
  );
}

/** Everything is seen. */
export function unlimitedScope(state: MeshState): SidecarScope {
  return { sees: () => true, outboundMode: meshMode(state), sources: [] };
}

function meshMode(state: MeshState): SidecarScope["outboundMode"] {
  return state.settings.mesh.outboundTrafficPolicy.mode === "REGISTRY_ONLY" ? "REGISTRY_ONLY" : "ALLOW_ANY";
}

export function sidecarScope(
  state: MeshState,
  client: { readonly namespace: string; readonly labels: StringMap },
): SidecarScope {
  const sidecar = sidecarOf(state, client);
  if (sidecar === undefined) return unlimitedScope(state);
  const patterns = sidecar.spec.egress
    .flatMap((listener) => listener.hosts)
    .map((entry) => {
      const [namespace = "", host = ""] = entry.split("/");
      return { namespace, host };
    });
  return {
    // Without egress listeners everything is visible.
    sees: (hostname, namespace) =>
      patterns.length === 0 ||
      patterns.some(
        (pattern) =>
          (pattern.namespace === "*" ||
            pattern.namespace === namespace ||
            (pattern.namespace === "." && namespace === client.namespace)) &&
          hostMatches(pattern.host, hostname),
      ),
    outboundMode: sidecar.spec.outboundTrafficPolicy?.mode ?? meshMode(state),
    sources: [sidecar.ref],
  };
}
