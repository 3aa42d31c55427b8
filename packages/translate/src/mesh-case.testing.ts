import { asKubeObject, parseMeshConfig } from "@heddle/config";
import {
  applyEvents,
  createViews,
  emptyMesh,
  endpointsFor,
  type MeshState,
  type ProxyView,
  readProxyNode,
} from "@heddle/model";
import { parse } from "yaml";
import type { Patcher } from "./patch/patcher.ts";
import { type ProxyResources, translate, translateInbound, translateOutbound } from "./translate.ts";

/** A mesh and one of its proxies, written down for a test: Kubernetes objects, MeshConfig, and the pod whose sidecar asks. */
export interface MeshCase {
  readonly mesh?: unknown;
  readonly objects: readonly unknown[];
  /** `namespace/name` of the pod. */
  readonly proxy: string;
  readonly dataPlane?: "heddle" | "envoy";
  /** Default: `sidecar`; `router` is a gateway's proxy. */
  readonly kind?: "sidecar" | "router";
}

export interface BuiltCase {
  readonly state: MeshState;
  readonly view: ProxyView;
  readonly resources: ProxyResources;
}

/** Builds the mesh, the view of the proxy and its configuration. */
export function buildCase(input: MeshCase, patcher?: Patcher): BuiltCase {
  const mesh = parseMeshConfig(JSON.stringify(input.mesh ?? {}));
  if (!mesh.ok) throw new Error(JSON.stringify(mesh.problems));
  const events = input.objects.map((raw) => {
    const object = asKubeObject(raw);
    if (object === undefined) throw new Error(`not an object: ${JSON.stringify(raw)}`);
    return { kind: "upsert", object } as const;
  });
  const { state } = applyEvents(emptyMesh({ mesh: mesh.value }), events);
  // A warning leaves its object in force.
  const wrong = [...state.problems].filter(([, list]) => list.some(({ severity }) => severity !== "warning"));
  if (wrong.length > 0) throw new Error(JSON.stringify(wrong));
  const [namespace = "", name = ""] = input.proxy.split("/");
  const pod = state.objects.pods.get(input.proxy);
  if (pod === undefined) throw new Error(`no pod ${input.proxy}`);
  const node = readProxyNode(
    `${input.kind ?? "sidecar"}~${pod.ip}~${name}.${namespace}~${namespace}.svc.cluster.local`,
    {
      LABELS: pod.meta.labels,
      SERVICE_ACCOUNT: pod.serviceAccount,
      HEDDLE_DATA_PLANE: input.dataPlane ?? "heddle",
    },
  );
  if (!node.ok) throw new Error(JSON.stringify(node.problems));
  const view = createViews().viewFor(state, node.value);
  if (patcher === undefined) return { state, view, resources: translate(view) };
  const outbound = patcher.apply(translateOutbound(view.outbound), view.outbound.patches, view.outbound.dataPlane);
  const inbound = patcher.apply(translateInbound(view.inbound), view.inbound.patches, view.inbound.proxy.dataPlane);
  const problems = [...outbound.problems, ...inbound.problems];
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  return {
    state,
    view,
    resources: {
      listeners: [...outbound.resources.listeners, ...inbound.resources.listeners],
      routes: outbound.resources.routes,
      clusters: [...outbound.resources.clusters, ...inbound.resources.clusters],
    },
  };
}

/** Endpoints of every EDS cluster of the case. */
export function endpointViews(built: BuiltCase) {
  const names = new Set(built.resources.clusters.flatMap((cluster) => cluster.edsClusterConfig?.serviceName ?? []));
  return [...names].flatMap((name) => endpointsFor(built.state, name) ?? []);
}

export function parseCase(text: string): MeshCase & { readonly [key: string]: unknown } {
  return parse(text, { merge: true }) as MeshCase & { readonly [key: string]: unknown };
}
