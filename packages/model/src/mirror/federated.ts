import { type KubeObject, readMeta, readService, type ServiceView } from "@heddle/config";
import { directEndpoints, slicesOf } from "./endpoint-objects.ts";
import type { ClusterContent, LinkedCluster, MirrorInput, MirrorObject, MirrorStatus } from "./mirror-input.ts";
import { copiedMeta, isFederated, mirrorService } from "./mirror-service.ts";
import { CLUSTER_NAME, LOCAL_DISCOVERY, MIRRORED, REMOTE_DISCOVERY } from "./names.ts";

interface Member {
  /** "" for this cluster. */
  readonly cluster: string;
  readonly service: KubeObject;
  readonly content: ClusterContent;
  readonly link: LinkedCluster["link"] | undefined;
}

type Check = (cluster: LinkedCluster, service: ServiceView, form: MirrorStatus["form"], name: string) => boolean;

/**
 * `svc-federated`: the Services of one name and namespace of all clusters that are members, as one Service whose endpoints are all their
 * pods. Clusters that are not known yet keep the part that they had.
 */
export function federatedServices(input: MirrorInput, check: Check): readonly MirrorObject[] {
  const members = new Map<string, Member[]>();
  const join = (key: string, member: Member) => members.set(key, [...(members.get(key) ?? []), member]);
  // This cluster's own Services are members by any Link's selector.
  for (const service of input.local.services) {
    const chosen = input.links.find(({ link }) => isFederated(service, link));
    if (chosen === undefined) continue;
    const { name, namespace } = readMeta(service.metadata);
    if (name.length <= 53)
      join(`${namespace}/${name}`, { cluster: "", service, content: input.local, link: undefined });
  }
  for (const cluster of input.links) {
    for (const service of cluster.known ? cluster.view.services : []) {
      if (!isFederated(service, cluster.link)) continue;
      const view = readService(service);
      if (!check(cluster, view, "federated", `${view.meta.name}-federated`)) continue;
      const { link, view: content } = cluster;
      const { name, namespace } = view.meta;
      join(`${namespace}/${name}`, { cluster: link.spec.targetClusterName, service, content, link });
    }
  }
  const unknown = input.links.filter(({ known }) => !known).map(({ link }) => link.spec.targetClusterName);
  return [...members.entries()].flatMap(([key, list]) => {
    const [namespace = "", name = ""] = key.split("/");
    return oneFederated(namespace, name, list, kept(input, namespace, name, unknown));
  });
}

/** Parts of a federated Service that clusters had which can't be asked now. */
function kept(input: MirrorInput, namespace: string, name: string, unknown: readonly string[]): readonly string[] {
  const before = input.local.services
    .map((service) => readMeta(service.metadata))
    .find((meta) => meta.namespace === namespace && meta.name === `${name}-federated`);
  return (before?.annotations[REMOTE_DISCOVERY] ?? "")
    .split(",")
    .filter((member) => unknown.includes(member.slice(member.indexOf("@") + 1)));
}

function oneFederated(
  namespace: string,
  name: string,
  members: readonly Member[],
  kept: readonly string[],
): readonly MirrorObject[] {
  const service = `${name}-federated`;
  const first = members[0];
  if (first === undefined) return [];
  const copied = copiedMeta(first.service, first.link);
  const remote = [
    ...members.filter(({ cluster }) => cluster !== "").map(({ cluster }) => `${name}@${cluster}`),
    ...kept,
  ].sort();
  const annotations = {
    ...copied.annotations,
    ...(remote.length > 0 ? { [REMOTE_DISCOVERY]: remote.join(",") } : {}),
    ...(members.some(({ cluster }) => cluster === "") ? { [LOCAL_DISCOVERY]: name } : {}),
  };
  const labels = { ...copied.labels, [MIRRORED]: "true" };
  return [
    mirrorService({ name: service, namespace, labels, annotations }, first.service),
    ...members.flatMap(({ cluster, content }) =>
      directEndpoints(
        {
          namespace,
          service,
          labels: { [MIRRORED]: "true", ...(cluster === "" ? {} : { [CLUSTER_NAME]: cluster }) },
          annotations: {},
        },
        cluster === "" ? "local" : cluster,
        slicesOf(content, { name, namespace }),
        content.pods,
      ),
    ),
  ];
}
