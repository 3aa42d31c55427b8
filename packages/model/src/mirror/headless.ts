import { type EndpointSliceView, type KubeObject, readService } from "@heddle/config";
import { endpointsObject, gatewayEndpoints, sliceObject } from "./endpoint-objects.ts";
import type { LinkedCluster, MirrorObject } from "./mirror-input.ts";
import { mirrorService } from "./mirror-service.ts";
import { CLUSTER_NAME, HEADLESS_MIRROR, MIRRORED, REMOTE_GATEWAY_IDENTITY, REMOTE_NAME } from "./names.ts";

/** Names that endpoints of a headless Service have (pods of a StatefulSet). */
export function namedEndpoints(slices: readonly EndpointSliceView[]): readonly string[] {
  const ready = slices.flatMap((slice) => slice.endpoints).filter((endpoint) => endpoint.ready);
  return [...new Set(ready.map(({ hostname }) => hostname).filter((hostname) => hostname !== ""))].sort();
}

/**
 * A headless Service through a gateway: a Service `pod-cluster` for each pod that has a name, with an address of its own, and a headless
 * one whose endpoints are these addresses under the pods' names. They are known after the first writing, so the last comes one round later.
 * Source: Linkerd's endpoint mirrors.
 */
export function headlessMirrors(
  cluster: LinkedCluster,
  service: KubeObject,
  metadata: MirrorObject["metadata"],
  hostnames: readonly string[],
  addressOf: (name: string) => string | undefined,
): readonly MirrorObject[] {
  const { link, gatewayIps, gatewayAlive } = cluster;
  const { targetClusterName, targetClusterDomain, gatewayIdentity, gatewayPort } = link.spec;
  const view = readService(service);
  const { namespace } = view.meta;
  const own = { [MIRRORED]: "true", [CLUSTER_NAME]: targetClusterName };
  const each = hostnames.map((hostname) => {
    const name = `${hostname}-${targetClusterName}`;
    const remote = `${hostname}.${view.meta.name}.${namespace}.svc.${targetClusterDomain}`;
    return { hostname, name, remote, address: addressOf(name) };
  });
  const reached = each.filter(({ address }) => address !== undefined);
  const ports = view.ports.map(({ name, port, protocol }) => ({ name, port, protocol }));
  const whole = { namespace, service: metadata.name, labels: own, annotations: {} };
  return [
    mirrorService(metadata, service, true),
    ...each.flatMap(({ name, remote }) => {
      const labels = { ...own, [HEADLESS_MIRROR]: metadata.name };
      const annotations = { [REMOTE_NAME]: remote };
      return [
        mirrorService({ name, namespace, labels, annotations }, service),
        ...gatewayEndpoints(
          {
            namespace,
            service: name,
            labels,
            annotations: { ...annotations, [REMOTE_GATEWAY_IDENTITY]: gatewayIdentity },
          },
          view.ports,
          { ips: gatewayIps, alive: gatewayAlive, port: () => Number(gatewayPort) },
        ),
      ];
    }),
    endpointsObject(
      { ...whole, annotations: { [REMOTE_NAME]: metadata.annotations[REMOTE_NAME] ?? "" } },
      reached.length === 0
        ? []
        : [{ addresses: reached.map(({ hostname, address }) => ({ ip: address, hostname })), ports }],
    ),
    sliceObject(
      whole,
      "pods",
      // Behind each of these addresses is the gateway.
      true,
      ports,
      reached.map(({ hostname, address }) => ({
        addresses: [address],
        hostname,
        conditions: { ready: true, serving: true, terminating: false },
      })),
    ),
  ];
}
