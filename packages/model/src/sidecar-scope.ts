import {
  type Destination,
  labelsMatch,
  type ObjectRef,
  resolveHost,
  type Sidecar,
  type StringMap,
} from "@heddle/config";
import { byAge, hostMatches } from "./namespace-scope.ts";
import type { MeshState } from "./state.ts";
import type { WrittenAt } from "./written-at.ts";

/** What a Sidecar resource lets a proxy see. */
export interface SidecarScope {
  /** Which of a service's ports are seen; all when undefined, none when false. */
  readonly sees: (hostname: string, namespace: string) => ((port: number) => boolean) | false;
  /** Ports that the sidecar opens itself, for applications that connect to it. */
  readonly egress: readonly EgressListener[];
  /** Where unknown traffic goes instead of straight out. */
  readonly egressProxy: Destination | undefined;
  readonly outboundMode: "REGISTRY_ONLY" | "ALLOW_ANY";
  /** Who decided `outboundMode` and `egressProxy`. */
  readonly outboundModeAt: WrittenAt;
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

/** A port that an application without interception connects to. */
export interface EgressListener {
  readonly bind: string;
  readonly port: number;
  readonly protocol: string;
}

const everyPort = (): boolean => true;

/** Everything is seen. */
export function unlimitedScope(state: MeshState): SidecarScope {
  return {
    sees: () => everyPort,
    egress: [],
    egressProxy: undefined,
    outboundMode: meshMode(state),
    outboundModeAt: meshModeAt(state),
    sources: [],
  };
}

function meshModeAt({ settings }: MeshState): WrittenAt {
  const source = { group: "", kind: "ConfigMap", namespace: settings.rootNamespace, name: "istio" };
  return { source, path: "data.mesh: outboundTrafficPolicy.mode" };
}

function meshMode(state: MeshState): SidecarScope["outboundMode"] {
  return state.settings.mesh.outboundTrafficPolicy.mode;
}

export function sidecarScope(
  state: MeshState,
  client: { readonly namespace: string; readonly labels: StringMap },
): SidecarScope {
  const sidecar = sidecarOf(state, client);
  if (sidecar === undefined) return unlimitedScope(state);
  const listeners = sidecar.spec.egress;
  const covers = (listener: (typeof listeners)[number], hostname: string, namespace: string): boolean =>
    listener.hosts.some((entry) => {
      const [owner = "", host = ""] = entry.split("/");
      const inNamespace = owner === "*" || owner === namespace || (owner === "." && namespace === client.namespace);
      return inNamespace && hostMatches(host, hostname);
    });
  const own = new Set(listeners.flatMap((listener) => listener.port?.number ?? []));
  const policy = sidecar.spec.outboundTrafficPolicy;
  const proxy = policy?.egressProxy;
  return {
    sees: (hostname, namespace) => {
      // Without egress listeners everything is visible.
      if (listeners.length === 0) return everyPort;
      const covering = listeners.filter((listener) => covers(listener, hostname, namespace));
      if (covering.length === 0) return false;
      // A port with a listener of its own shows only what that one names.
      return (port) => covering.some(({ port: at }) => (at === undefined ? !own.has(port) : at.number === port));
    },
    egress: listeners.flatMap(({ port, bind, captureMode }) =>
      port === undefined || (captureMode !== "NONE" && bind === undefined)
        ? []
        : [{ bind: bind ?? "127.0.0.1", port: port.number, protocol: port.protocol }],
    ),
    egressProxy:
      proxy === undefined
        ? undefined
        : { ...proxy, host: resolveHost(proxy.host, sidecar.ref.namespace, state.settings.domain) },
    outboundMode: policy?.mode ?? meshMode(state),
    outboundModeAt:
      policy === undefined
        ? meshModeAt(state)
        : { source: sidecar.ref, path: `spec.outboundTrafficPolicy.${proxy === undefined ? "mode" : "egressProxy"}` },
    sources: [sidecar.ref],
  };
}
