import type { ClusterFacts } from "./cluster-facts.ts";
import { compareTrust } from "./compare-trust.ts";

/** One line of `multicluster check`: what is compared, and every way in which it is wrong: cause and next step. */
export interface Comparison {
  readonly description: string;
  readonly anchor: string;
  readonly wrong: readonly string[];
}

/** As many objects as a sentence can bear. */
const SHOWN = 3;

/** Clocks further apart make fresh certificates invalid. Units: s. */
const SKEW_S = 10;

/** The usual mistakes between the clusters of one mesh. */
export function compareClusters(all: readonly ClusterFacts[]): readonly Comparison[] {
  const line = (anchor: string, description: string, wrong: readonly string[]): Comparison => ({
    anchor: `multicluster-${anchor}`,
    description,
    wrong,
  });
  return [
    line("names", "every cluster has a name of its own", names(all)),
    line("roots", "clusters trust each other's certificates", roots(all)),
    line(
      "clocks",
      "clocks agree",
      all
        .filter(({ skewS }) => Math.abs(skewS) > SKEW_S)
        .map(
          ({ context, skewS }) =>
            `the clock of ${context} is ${Math.abs(skewS)} s ${skewS > 0 ? "ahead of" : "behind"} this machine's; fresh certificates will look invalid: let its nodes keep time by NTP`,
        ),
    ),
    line("secrets", "each control plane reads the others", secrets(all)),
    line("primaries", "each cluster without a control plane has one elsewhere", primaries(all)),
    line("networks", "network labels are right", networks(all)),
    line("gateways", "gateways of other networks answer", gateways(all)),
    line(
      "dns",
      "the cluster's DNS forwards global names",
      all
        .filter(({ meshDns, stubDomain }) => meshDns !== "" && !stubDomain)
        .map(
          ({ context, meshDns }) =>
            `${context} has the mesh's DNS at ${meshDns}, but its own DNS does not ask it: add stubDomains {"global": ["${meshDns}"]} to ConfigMap kube-system/kube-dns, or a block global:53 { forward . ${meshDns} } to CoreDNS's Corefile`,
        ),
    ),
    line("ports", "Services of one name have the same ports", ports(all)),
  ];
}

function pairs<T>(all: readonly T[]): readonly (readonly [T, T])[] {
  return all.flatMap((one, i) => all.slice(i + 1).map((other) => [one, other] as const));
}

function names(all: readonly ClusterFacts[]): readonly string[] {
  return pairs(all)
    .filter(([a, b]) => a.id === b.id)
    .map(
      ([a, b]) =>
        `${a.context} and ${b.context} are both installed as cluster ${a.id}; install one of them again with --set values.global.multiCluster.clusterName=OTHER`,
    );
}

function roots(all: readonly ClusterFacts[]): readonly string[] {
  // One that nobody manages yet has no root, which its own line says.
  const known = all.filter((one) => one.managedBy === undefined || one.roots !== "");
  return pairs(known).flatMap(([a, b]) => compareTrust(a, b));
}

function withControlPlane(all: readonly ClusterFacts[]): readonly ClusterFacts[] {
  return all.filter(({ managedBy }) => managedBy === undefined);
}

function primaries(all: readonly ClusterFacts[]): readonly string[] {
  return all.flatMap(({ context, managedBy, roots: given, unread }) => {
    if (managedBy === undefined) return [];
    if (managedBy.length === 0)
      return [
        `${context} has no control plane, and does not say whose may manage it: kubectl --context ${context} annotate namespace istio-system topology.istio.io/controlPlaneClusters=${withControlPlane(all)[0]?.id ?? "PRIMARY"}`,
      ];
    const primary = withControlPlane(all).find(({ id }) => managedBy.includes(id) || managedBy.includes("*"));
    if (primary === undefined)
      return [
        `${context} is to be managed from ${managedBy.join(", ")}, which is none of these clusters: correct the annotation topology.istio.io/controlPlaneClusters of its namespace istio-system`,
      ];
    if (given === "")
      return [
        `${context} is to be managed from ${primary.context}, but has no root certificate from there yet: see heddle remote-clusters --context ${primary.context}`,
      ];
    if (unread.length === 0) return [];
    const more = unread.length > SHOWN ? ` and ${unread.length - SHOWN} more` : "";
    return [
      `nobody reads ${unread.slice(0, SHOWN).join(", ")}${more} in ${context}, which has no control plane: apply such resources in ${primary.context}, and delete them here`,
    ];
  });
}

function secrets(all: readonly ClusterFacts[]): readonly string[] {
  return withControlPlane(all).flatMap((own) => {
    const others = all.filter((other) => other !== own && other.id !== own.id);
    const ids = new Set(others.map(({ id }) => id));
    const wrong = others.flatMap((other) => {
      const found = own.known.filter(({ id }) => id === other.id);
      if (found.length === 0)
        return [
          `${own.context} does not read ${other.context}: heddle create-remote-secret --context ${other.context} --name ${other.id} | kubectl --context ${own.context} apply -f -`,
        ];
      return found
        .filter(({ status, reason }) => status !== "synced" || reason !== "")
        .map(({ status, reason }) =>
          status === "synced"
            ? `${own.context} reads ${other.context}, but not everything gets traffic: ${reason}`
            : `${own.context} reads ${other.context}, but it is ${status}: ${reason}`,
        );
    });
    const refused = own.known
      .filter(({ id, status }) => status === "refused" && !ids.has(id))
      .map(({ secret, reason }) => `${own.context} refuses Secret ${secret}: ${reason}`);
    return [...wrong, ...refused];
  });
}

function networks(all: readonly ClusterFacts[]): readonly string[] {
  const used = new Set(all.map(({ networkLabel }) => networkLabel));
  return all.flatMap(({ context, networkLabel, networkValue, gatewayServices }) => [
    ...(networkLabel === networkValue
      ? []
      : [
          `namespace istio-system of ${context} is labelled topology.istio.io/network=${networkLabel || "(nothing)"}, but sidecars were installed with values.global.network=${networkValue || "(nothing)"}: make the two the same`,
        ]),
    ...gatewayServices
      .filter(({ network }) => !used.has(network))
      .map(
        ({ name, network }) =>
          `gateway Service ${name} of ${context} is labelled for network ${network}, on which no cluster is (${[...used].filter((one) => one !== "").join(", ") || "none says its network"}): correct the label`,
      ),
    ...gatewayServices
      .filter(({ addresses }) => addresses === 0)
      .map(
        ({ name }) =>
          `gateway Service ${name} of ${context} has no address yet: does the cluster give addresses to LoadBalancers? else set spec.externalIPs`,
      ),
  ]);
}

function gateways(all: readonly ClusterFacts[]): readonly string[] {
  const several = new Set(all.map(({ networkLabel }) => networkLabel)).size > 1;
  return withControlPlane(all).flatMap((own) => {
    const foreign = own.gateways.filter(({ network }) => network !== own.networkLabel);
    const missing = all
      .filter(({ networkLabel }) => several && networkLabel !== own.networkLabel)
      .filter(({ networkLabel }) => !foreign.some(({ network }) => network === networkLabel))
      // Of a cluster that is not read, gateways are not known either; that has its own line.
      .filter(({ id }) => own.known.some((known) => known.id === id && known.status === "synced"))
      .map(
        ({ context, networkLabel }) =>
          `${own.context} knows no gateway of network ${networkLabel || "(no name)"} (${context}): install one there (samples/multicluster/gen-eastwest-gateway.sh --network ${networkLabel || "NAME"})`,
      );
    const silent = foreign
      .filter(({ problem }) => problem !== "")
      .map(
        ({ network, address, port, problem }) =>
          `from ${own.context} the gateway ${address}:${port} of network ${network} does not answer (${problem}): is it running, and does a firewall let port ${port} through?`,
      );
    return [...missing, ...silent];
  });
}

function ports(all: readonly ClusterFacts[]): readonly string[] {
  return pairs(all).flatMap(([a, b]) =>
    a.ports.flatMap((port) => {
      const there = b.ports.filter(({ service }) => service === port.service);
      // A DNS server has one number twice, for UDP and TCP.
      const names = there.filter((other) => other.port === port.port).map(({ name }) => name);
      if (there.length === 0 || names.includes(port.name)) return [];
      const what = names.length === 0 ? "is missing" : `is named ${names.map((name) => `"${name}"`).join(", ")}`;
      return [
        `port ${port.port} ("${port.name}") of Service ${port.service} in ${a.context} ${what} in ${b.context}: clusters must agree, as its protocol and endpoints go by name and number`,
      ];
    }),
  );
}
