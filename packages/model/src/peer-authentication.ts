import { labelsMatch, type Mode, type PeerAuthentication, type StringMap } from "@heddle/config";
import type { EffectiveMtls } from "./proxy-view.ts";
import type { Workload } from "./workload.ts";
import type { WrittenAt } from "./written-at.ts";

/**
 * The effective PeerAuthentication of a workload: port, then workload, then namespace, then mesh (root namespace);
 * UNSET inherits; without any, PERMISSIVE. Of two objects for the same scope the older one counts.
 */
export function effectiveMtls(
  policies: Iterable<PeerAuthentication>,
  namespace: string,
  labels: StringMap,
  rootNamespace: string,
): EffectiveMtls {
  const workload: PeerAuthentication[] = [];
  const wide: PeerAuthentication[] = [];
  const mesh: PeerAuthentication[] = [];
  for (const policy of policies) {
    const wanted = policy.spec.selector?.matchLabels ?? {};
    const selects = Object.keys(wanted).length > 0;
    if (policy.ref.namespace === namespace && selects && labelsMatch(wanted, labels)) workload.push(policy);
    else if (policy.ref.namespace === namespace && !selects && namespace !== rootNamespace) wide.push(policy);
    else if (policy.ref.namespace === rootNamespace && !selects) mesh.push(policy);
  }
  const chain = [oldest(workload), oldest(wide), oldest(mesh)].filter((policy) => policy !== undefined);
  const mode = firstSet(chain.map((policy) => policy.spec.mtls?.mode)) ?? "PERMISSIVE";
  const decided = chain.find(({ spec }) => spec.mtls !== undefined && spec.mtls.mode !== "UNSET");
  const ports: Record<number, Mode> = {};
  const portsAt: Record<number, WrittenAt> = {};
  for (const [port, tls] of Object.entries(chain[0]?.spec.portLevelMtls ?? {})) {
    // Ports are validated to need a selector, so only a workload's own policy has them.
    if (tls.mode === "UNSET" || chain[0] === undefined) continue;
    ports[Number(port)] = tls.mode;
    portsAt[Number(port)] = { source: chain[0].ref, path: `spec.portLevelMtls["${port}"].mode` };
  }
  return {
    mode,
    ports,
    decidedBy: chain.map((policy) => `${policy.ref.namespace}/${policy.ref.name}`),
    modeAt: decided === undefined ? undefined : { source: decided.ref, path: "spec.mtls.mode" },
    portsAt,
  };
}

function firstSet(modes: readonly (Mode | "UNSET" | undefined)[]): Mode | undefined {
  for (const mode of modes) {
    if (mode !== undefined && mode !== "UNSET") return mode;
  }
  return undefined;
}

function oldest(policies: readonly PeerAuthentication[]): PeerAuthentication | undefined {
  return [...policies].sort((a, b) => compare(order(a), order(b)) || (a.ref.name < b.ref.name ? -1 : 1))[0];
}

function order(policy: PeerAuthentication): number {
  const time = Date.parse(policy.meta.creationTimestamp);
  return Number.isNaN(time) ? Number.POSITIVE_INFINITY : time;
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** Tells whether mutual TLS is switched off on a workload's port. Cheap where no policy says DISABLE, which is nearly everywhere. */
export function plainPortTest(
  policies: ReadonlyMap<string, PeerAuthentication>,
  rootNamespace: string,
): (workload: Workload, port: number) => boolean {
  const all = [...policies.values()];
  const disables = all.some(
    ({ spec }) =>
      spec.mtls?.mode === "DISABLE" || Object.values(spec.portLevelMtls).some((tls) => tls.mode === "DISABLE"),
  );
  if (!disables) return () => false;
  return (workload, port) => {
    const mtls = effectiveMtls(all, workload.namespace, workload.labels, rootNamespace);
    return (mtls.ports[port] ?? mtls.mode) === "DISABLE";
  };
}
