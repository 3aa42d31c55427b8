import { type KubeObject, readMeta, readService, type ServiceView } from "@heddle/config";
import { directEndpoints, gatewayEndpoints, slicesOf } from "./endpoint-objects.ts";
import { federatedServices } from "./federated.ts";
import { headlessMirrors, namedEndpoints } from "./headless.ts";
import type { LinkedCluster, MirrorInput, MirrorObject, MirrorPlan, MirrorStatus } from "./mirror-input.ts";
import { copiedMeta, exportOf, mirrorProblem, mirrorService } from "./mirror-service.ts";
import {
  CLUSTER_NAME,
  MIRRORED,
  MIRRORED_GATEWAY,
  REMOTE_DISCOVERY,
  REMOTE_GATEWAY_IDENTITY,
  REMOTE_NAME,
  REMOTE_SERVICE,
  REMOTE_VERSION,
} from "./names.ts";

/** Every object that mirrors of the linked clusters consist of. Pure: the same input gives the same plan. */
export function planMirrors(input: MirrorInput): MirrorPlan {
  const objects: MirrorObject[] = [];
  const statuses: MirrorStatus[] = [];
  const taken = new Set(
    input.local.services
      .filter((service) => readMeta(service.metadata).labels[MIRRORED] === undefined)
      .map((service) => keyOf(service)),
  );
  const check = (cluster: LinkedCluster, service: ServiceView, form: MirrorStatus["form"], name: string): boolean => {
    const { namespace } = service.meta;
    const invalid = mirrorProblem(service, name);
    const [reason, message] =
      invalid !== undefined
        ? (["InvalidService", `Service ${namespace}/${service.meta.name} is not mirrored: ${invalid}`] as const)
        : !input.local.namespaces.has(namespace)
          ? (["MissingNamespace", `namespace ${namespace} does not exist in this cluster; create it`] as const)
          : taken.has(`${namespace}/${name}`)
            ? ([
                "NameConflict",
                `this cluster has a Service ${namespace}/${name} of its own, which is left as it is; rename it or the cluster`,
              ] as const)
            : (["Mirrored", ""] as const);
    const link = cluster.link.ref.name;
    const mirrored = reason === "Mirrored";
    statuses.push({ link, form, namespace, name: service.meta.name, mirrored, reason, message });
    return mirrored;
  };
  for (const cluster of input.links) {
    objects.push(...probeGateway(cluster, input.namespace));
    for (const service of cluster.known ? cluster.view.services : []) {
      const mode = exportOf(service, cluster.link);
      if (mode === "no") continue;
      const view = readService(service);
      const name = `${view.meta.name}-${cluster.link.spec.targetClusterName}`;
      if (mode === "gateway" && cluster.link.spec.gatewayAddress === "") continue;
      if (!check(cluster, view, "mirror", name)) continue;
      objects.push(
        ...(mode === "gateway" ? throughGateway(cluster, service, name, input) : direct(cluster, service, name)),
      );
    }
  }
  objects.push(...federatedServices(input, check));
  return { objects: distinct(objects), statuses };
}

/** The Service that stands for a cluster's gateway and is probed. Its endpoints never become unready. */
function probeGateway({ link, gatewayIps }: LinkedCluster, namespace: string): readonly MirrorObject[] {
  const { targetClusterName, gatewayAddress, gatewayIdentity, probeSpec } = link.spec;
  if (gatewayAddress === "" || probeSpec === undefined) return [];
  const name = `probe-gateway-${targetClusterName}`;
  const port = { name: "mc-probe", port: Number(probeSpec.port), protocol: "TCP" as const };
  const labels = { [MIRRORED_GATEWAY]: "true", [CLUSTER_NAME]: targetClusterName };
  const annotations = { [REMOTE_GATEWAY_IDENTITY]: gatewayIdentity };
  const view = { ...port, targetPort: port.port, nodePort: undefined, appProtocol: "" };
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace, labels: { ...labels, "linkerd.io/extension": "multicluster" }, annotations: {} },
      spec: { ports: [port] },
    },
    ...gatewayEndpoints(
      { namespace, service: name, labels, annotations },
      [view],
      { ips: gatewayIps, alive: true, port: () => port.port },
      false,
    ),
  ];
}

function throughGateway(
  cluster: LinkedCluster,
  service: KubeObject,
  name: string,
  input: MirrorInput,
): readonly MirrorObject[] {
  const { link } = cluster;
  const { targetClusterName, targetClusterDomain, gatewayIdentity } = link.spec;
  const view = readService(service);
  const { namespace } = view.meta;
  const copied = copiedMeta(service, link);
  const remoteName = `${view.meta.name}.${namespace}.svc.${targetClusterDomain}`;
  const own = { [MIRRORED]: "true", [CLUSTER_NAME]: targetClusterName };
  const metadata = {
    name,
    namespace,
    labels: { ...copied.labels, ...own },
    annotations: {
      ...copied.annotations,
      [REMOTE_NAME]: remoteName,
      [REMOTE_VERSION]: String(service.metadata["resourceVersion"] ?? ""),
    },
  };
  const slices = slicesOf(cluster.view, view.meta);
  const named = input.headless && view.headless ? namedEndpoints(slices) : [];
  if (named.length > 0) {
    const addressOf = (mirror: string) =>
      input.local.services
        .filter((one) => keyOf(one) === `${namespace}/${mirror}`)
        .flatMap((one) => readService(one).clusterIps)[0];
    return headlessMirrors(cluster, service, metadata, named, addressOf);
  }
  const empty = !slices.some((slice) => slice.endpoints.some((endpoint) => endpoint.ready));
  return [
    mirrorService(metadata, service),
    ...gatewayEndpoints(
      {
        namespace,
        service: name,
        labels: own,
        annotations: { [REMOTE_NAME]: remoteName, [REMOTE_GATEWAY_IDENTITY]: gatewayIdentity },
      },
      view.ports,
      {
        ips: empty ? [] : cluster.gatewayIps,
        alive: cluster.gatewayAlive,
        port: () => Number(link.spec.gatewayPort),
      },
    ),
  ];
}

function direct({ link, view: content }: LinkedCluster, service: KubeObject, name: string): readonly MirrorObject[] {
  const { targetClusterName, targetClusterDomain } = link.spec;
  const view = readService(service);
  const { namespace } = view.meta;
  const copied = copiedMeta(service, link);
  const own = { [MIRRORED]: "true", [CLUSTER_NAME]: targetClusterName };
  const labels = {
    ...copied.labels,
    ...own,
    [REMOTE_DISCOVERY]: targetClusterName,
    [REMOTE_SERVICE]: view.meta.name,
  };
  const annotations = {
    ...copied.annotations,
    [REMOTE_NAME]: `${view.meta.name}.${namespace}.svc.${targetClusterDomain}`,
    [REMOTE_VERSION]: String(service.metadata["resourceVersion"] ?? ""),
  };
  return [
    mirrorService({ name, namespace, labels, annotations }, service, view.headless),
    ...directEndpoints(
      { namespace, service: name, labels: own, annotations: {} },
      targetClusterName,
      slicesOf(content, view.meta),
      content.pods,
    ),
  ];
}

export function keyOf(object: { readonly metadata: { readonly name: string; readonly namespace?: string } }): string {
  return `${object.metadata.namespace ?? ""}/${object.metadata.name}`;
}

/** The first of two objects with one name counts. */
function distinct(objects: readonly MirrorObject[]): readonly MirrorObject[] {
  const found = new Map<string, MirrorObject>();
  for (const object of objects) {
    const key = `${object.kind} ${keyOf(object)}`;
    if (!found.has(key)) found.set(key, object);
  }
  return [...found.values()];
}
