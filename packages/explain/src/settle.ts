import {
  type InjectorValues,
  isObject,
  type JsonObject,
  type KubeObject,
  labelsMatch,
  type MeshConfig,
  type Meta,
  readMeta,
  readService,
  type StringMap,
} from "@heddle/config";
import { decide } from "@heddle/inject";
import { recordOf } from "@heddle/std";

export interface SettleOptions {
  readonly mesh: MeshConfig;
  readonly values: InjectorValues;
}

const holders = new Set(["Deployment", "StatefulSet", "DaemonSet"]);

/**
 * Gives manifests what a cluster would: one pod for each workload (with its sidecar where the injector would add one), addresses,
 * and endpoints. Objects that have these already stay as they are.
 */
export function settle(objects: readonly KubeObject[], options: SettleOptions): readonly KubeObject[] {
  const namespaces = new Map(
    objects
      .filter(({ kind }) => kind === "Namespace")
      .map((object) => [object.metadata.name, readMeta(object.metadata)]),
  );
  const owned = new Set(
    objects
      .filter(({ kind }) => kind === "Pod")
      .map((pod) => `${namespaceOf(pod)}/${workloadOf(readMeta(pod.metadata))}`),
  );
  let next = 0;
  const address = (net: string): string => {
    next++;
    return `${net}.${next >> 8}.${next & 255}`;
  };
  const pods = objects.flatMap((object): readonly KubeObject[] => {
    if (object.kind === "Pod" && object.apiVersion === "v1")
      return [
        typeof recordOf(object["status"])["podIP"] === "string"
          ? object
          : running(object, address("10.244"), namespaces, options),
      ];
    if (!holders.has(object.kind) || owned.has(`${namespaceOf(object)}/${object.metadata.name}`)) return [];
    return [running(podFrom(object), address("10.244"), namespaces, options)];
  });
  const sliced = new Set(
    objects
      .filter(({ kind }) => kind === "EndpointSlice")
      .map((slice) => `${namespaceOf(slice)}/${readMeta(slice.metadata).labels["kubernetes.io/service-name"]}`),
  );
  const services = objects
    .filter(({ kind, apiVersion }) => kind === "Service" && apiVersion === "v1")
    .map((service) => withAddress(service, () => address("10.96")));
  const slices = services
    .filter((service) => !sliced.has(`${namespaceOf(service)}/${service.metadata.name}`))
    .flatMap((service) => sliceOf(service, pods));
  const replaced = (object: KubeObject): boolean =>
    (object.kind === "Pod" || object.kind === "Service") && object.apiVersion === "v1";
  return [...objects.filter((object) => !replaced(object)), ...services, ...pods, ...slices];
}

function namespaceOf(object: KubeObject): string {
  return object.metadata.namespace ?? "default";
}

/** The Deployment (or other holder) that a pod's owner belongs to. */
function workloadOf({ owners, labels }: Meta): string {
  const owner = owners[0]?.name ?? "";
  const hash = labels["pod-template-hash"];
  return hash !== undefined && owner.endsWith(`-${hash}`) ? owner.slice(0, -hash.length - 1) : owner;
}

function podFrom(holder: KubeObject): KubeObject {
  const template = recordOf(recordOf(holder["spec"])["template"]);
  const meta = readMeta(template["metadata"]);
  const { name } = holder.metadata;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: holder.kind === "StatefulSet" ? `${name}-0` : name,
      namespace: namespaceOf(holder),
      labels: meta.labels,
      annotations: meta.annotations,
      ownerReferences: [{ apiVersion: holder.apiVersion, kind: holder.kind, name, uid: "", controller: true }],
    },
    spec: { ...recordOf(template["spec"]), ...(holder.kind === "StatefulSet" ? { hostname: `${name}-0` } : {}) },
  };
}

function running(
  pod: KubeObject,
  ip: string,
  namespaces: ReadonlyMap<string, Meta>,
  options: SettleOptions,
): KubeObject {
  const namespace = namespaceOf(pod);
  const meta = namespaces.get(namespace);
  const decision = decide(pod as unknown as JsonObject, {
    namespace: { name: namespace, labels: meta?.labels ?? {}, annotations: meta?.annotations ?? {} },
    mesh: options.mesh,
    values: options.values,
  });
  const { labels, annotations } = readMeta(pod.metadata);
  const gateway = (annotations["inject.istio.io/templates"] ?? "").includes("gateway");
  const spec = recordOf(pod["spec"]);
  const own = Array.isArray(spec["containers"]) ? spec["containers"].filter(isObject) : [];
  const sidecar = { name: "istio-proxy", args: ["proxy", gateway ? "router" : "sidecar"] };
  const containers = decision.inject ? [...own.filter((one) => one["name"] !== "istio-proxy"), sidecar] : own;
  const injected: StringMap = decision.inject && !gateway ? { "security.istio.io/tlsMode": "istio" } : {};
  return {
    ...pod,
    metadata: { ...pod.metadata, namespace, labels: { ...labels, ...injected } },
    spec: { ...spec, containers },
    status: { phase: "Running", podIP: ip, podIPs: [{ ip }], conditions: [{ type: "Ready", status: "True" }] },
  };
}

function withAddress(service: KubeObject, address: () => string): KubeObject {
  const spec = recordOf(service["spec"]);
  if (spec["type"] === "ExternalName" || typeof spec["clusterIP"] === "string") return service;
  return {
    ...service,
    metadata: { ...service.metadata, namespace: namespaceOf(service) },
    spec: { ...spec, clusterIP: address() },
  };
}

function sliceOf(object: KubeObject, pods: readonly KubeObject[]): readonly KubeObject[] {
  const service = readService(object);
  if (Object.keys(service.selector).length === 0) return [];
  const namespace = namespaceOf(object);
  const behind = pods.filter(
    (pod) => namespaceOf(pod) === namespace && labelsMatch(service.selector, readMeta(pod.metadata).labels),
  );
  const portOf = (target: number | string): number =>
    typeof target === "number"
      ? target
      : Number(
          behind
            .flatMap((pod) => listIn(recordOf(pod["spec"])["containers"]))
            .flatMap((container) => listIn(container["ports"]))
            .find((port) => port["name"] === target)?.["containerPort"] ?? 0,
        );
  return [
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: `${service.meta.name}-settled`,
        namespace,
        labels: { "kubernetes.io/service-name": service.meta.name },
      },
      addressType: "IPv4",
      ports: service.ports.map((port) => ({ name: port.name, port: portOf(port.targetPort), protocol: port.protocol })),
      endpoints: behind.map((pod) => ({
        addresses: [recordOf(pod["status"])["podIP"]],
        conditions: { ready: true },
        targetRef: { kind: "Pod", name: pod.metadata.name },
        ...(typeof recordOf(pod["spec"])["hostname"] === "string"
          ? { hostname: recordOf(pod["spec"])["hostname"] }
          : {}),
      })),
    },
  ];
}

function listIn(value: unknown): readonly { readonly [key: string]: unknown }[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
