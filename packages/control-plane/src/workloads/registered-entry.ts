import { createHash } from "node:crypto";
import { healthChecksAnnotation, type WorkloadGroup } from "@heddle/config";
import type { KubeObject } from "@heddle/kube-client";
import type { ProxyNode } from "@heddle/model";

/** Node metadata that names the WorkloadGroup (`ISTIO_META_AUTO_REGISTER_GROUP`). */
export const GROUP_METADATA = "AUTO_REGISTER_GROUP";

const MAX_NAME = 253;

/** `<group>-<ip>[-<network>]`, as Istio names them; what would be too long ends in a hash instead. */
export function registeredName(group: string, ip: string, network: string): string {
  const place = ip.replaceAll(":", "-").replace(/^-+|-+$/g, "");
  const name = [group, place, ...(network === "" ? [] : [network])].join("-").toLowerCase();
  if (name.length <= MAX_NAME) return name;
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 12);
  return `${group.slice(0, MAX_NAME - hash.length - 1)}-${hash}`;
}

/** The WorkloadEntry of a workload that connected: the group's template with the workload's own address, labels and place. */
export function entryOf(
  group: WorkloadGroup,
  node: ProxyNode,
  annotations: Readonly<Record<string, string>>,
): KubeObject {
  const { spec, ref, meta } = group;
  const { region, zone, subzone } = node.locality;
  const own = [region, zone, subzone].filter((part) => part !== "").join("/");
  const network = spec.template.network ?? (node.network || undefined);
  const locality = spec.template.locality ?? (own || undefined);
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "WorkloadEntry",
    metadata: {
      name: registeredName(ref.name, node.ip, node.network),
      namespace: ref.namespace,
      labels: { ...spec.metadata?.labels },
      annotations: {
        ...spec.metadata?.annotations,
        ...annotations,
        "istio.io/autoRegistrationGroup": ref.name,
        ...(spec.probe === undefined ? {} : { [healthChecksAnnotation]: "true" }),
      },
      ownerReferences: [
        {
          apiVersion: "networking.istio.io/v1",
          kind: "WorkloadGroup",
          name: ref.name,
          uid: meta.uid,
          controller: true,
        },
      ],
    },
    spec: {
      address: node.ip,
      ports: { ...spec.template.ports },
      labels: { ...spec.metadata?.labels, ...spec.template.labels, ...node.labels },
      ...(spec.template.weight === undefined ? {} : { weight: spec.template.weight }),
      ...(spec.template.serviceAccount === undefined ? {} : { serviceAccount: spec.template.serviceAccount }),
      ...(network === undefined ? {} : { network }),
      ...(locality === undefined ? {} : { locality }),
    },
  };
}
