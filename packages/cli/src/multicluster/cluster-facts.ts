import { watchedKinds } from "@heddle/config";
import { isKubeError, type KubeClient, type KubeObject } from "@heddle/kube-client";
import { at, listOf, recordOf, textOf } from "@heddle/std";
import { parse } from "yaml";
import { type KnownCluster, knownClusters } from "./clusterz.ts";
import type { GivenRoots } from "./compare-trust.ts";

/** A port of a Service as other clusters have to see it. */
export interface PortFact {
  readonly service: string;
  readonly name: string;
  readonly port: number;
}

/** A way into a network, and whether the control plane that was asked could open a connection to it. */
export interface GatewayFact {
  readonly network: string;
  readonly address: string;
  readonly port: number;
  /** "" when it answers. */
  readonly problem: string;
}

/** What `multicluster check` compares between clusters. */
export interface ClusterFacts {
  readonly context: string;
  readonly id: string;
  readonly trustDomain: string;
  readonly trustDomainAliases: readonly string[];
  readonly givenRoots: readonly GivenRoots[];
  /** PEM of what workloads trust. */
  readonly roots: string;
  /** Label of the mesh's namespace. */
  readonly networkLabel: string;
  /** What sidecars say about themselves (`values.global.network`). */
  readonly networkValue: string;
  /** Services that are labelled as ways into a network; no addresses: none was given yet. */
  readonly gatewayServices: readonly { readonly name: string; readonly network: string; readonly addresses: number }[];
  /** Gateways of all networks, as this control plane sees them. */
  readonly gateways: readonly GatewayFact[];
  readonly known: readonly KnownCluster[];
  /** The clusters whose control planes may manage this one, which has none; undefined: it has its own. */
  readonly managedBy: readonly string[] | undefined;
  /** Istio's resources in a cluster without a control plane, where nobody reads them: `Kind namespace/name`. */
  readonly unread: readonly string[];
  readonly ports: readonly PortFact[];
  /** The API server's clock ahead of this machine's. Units: s. */
  readonly skewS: number;
  /** Address of the mesh's DNS; "" where it is not installed. */
  readonly meshDns: string;
  /** Whether the cluster's DNS sends `global` there. */
  readonly stubDomain: boolean;
}

/** Asks one cluster. Errors: `KubeError`. */
export async function clusterFacts(
  context: string,
  kube: KubeClient,
  namespace: string,
  nowMs: () => number,
): Promise<ClusterFacts> {
  const find = (kind: string, name: string, where = namespace) =>
    kube.find({ apiVersion: "v1", kind, namespace: where, name });
  const [mesh, injector, roots, services, dns, istiod, own] = await Promise.all([
    find("ConfigMap", "istio"),
    find("ConfigMap", "istio-sidecar-injector"),
    find("ConfigMap", "istio-ca-root-cert"),
    kube.list({ apiVersion: "v1", kind: "Service" }),
    find("Service", "istiocoredns"),
    find("Service", "istiod"),
    kube.find({ apiVersion: "v1", kind: "Namespace", name: namespace }),
  ]);
  // Without a selector it leads to another cluster's.
  const remote = istiod !== undefined && at(istiod, "spec", "selector") === undefined;
  const known = remote ? [] : await knownClusters(kube, namespace);
  const asked = nowMs();
  const date = (await kube.request("GET", "/version")).headers.get("date");
  const values: unknown = parse(textOf(at(injector, "data", "values")));
  const config: unknown = parse(textOf(at(mesh, "data", "mesh")));
  const meshDns = textOf(at(dns, "spec", "clusterIP"));
  return {
    context,
    id: textOf(at(values, "global", "multiCluster", "clusterName")),
    trustDomain: textOf(at(config, "trustDomain")) || "cluster.local",
    trustDomainAliases: listOf(at(config, "trustDomainAliases")).map(textOf),
    givenRoots: listOf(at(config, "caCertificates")).map((given) => ({
      pem: textOf(at(given, "pem")),
      trustDomains: listOf(at(given, "trustDomains")).map(textOf),
    })),
    roots: textOf(at(roots, "data", "root-cert.pem")).trim(),
    networkLabel: own?.metadata.labels?.["topology.istio.io/network"] ?? "",
    networkValue: textOf(at(values, "global", "network")),
    gatewayServices: services.items.flatMap(gatewayService),
    gateways: remote ? [] : await gatewaysSeen(kube, namespace, known[0]?.istiod ?? ""),
    known,
    managedBy: remote ? namesIn(own?.metadata.annotations?.[CONTROL_PLANES]) : undefined,
    unread: remote ? await meshResources(kube) : [],
    // A control plane is never another cluster's.
    ports: services.items.filter((service) => service.metadata.uid !== istiod?.metadata.uid).flatMap(portsOf),
    // The header has whole seconds.
    skewS: date === null ? 0 : Math.round((Date.parse(date) - asked) / 1000),
    meshDns,
    stubDomain: meshDns !== "" && (await forwardsGlobal(kube, meshDns)),
  };
}

/** Source: Istio, primary-remote. */
const CONTROL_PLANES = "topology.istio.io/controlPlaneClusters";

async function meshResources(kube: KubeClient): Promise<readonly string[]> {
  const kinds = watchedKinds.filter(({ group }) => group.endsWith(".istio.io"));
  const lists = await Promise.all(
    kinds.map(async ({ kind, ...type }) => {
      const { items } = await kube.list(type).catch((error: unknown) => {
        if (isKubeError(error, 404)) return { items: [] };
        throw error;
      });
      return items.map(({ metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`);
    }),
  );
  return lists.flat();
}

function namesIn(list = ""): readonly string[] {
  return list
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

function gatewayService(service: KubeObject): ClusterFacts["gatewayServices"] {
  const network = service.metadata.labels?.["topology.istio.io/network"];
  if (network === undefined) return [];
  const addresses = [
    ...listOf(at(service, "status", "loadBalancer", "ingress")),
    ...listOf(at(service, "spec", "externalIPs")),
  ];
  return [{ name: `${service.metadata.namespace}/${service.metadata.name}`, network, addresses: addresses.length }];
}

function portsOf(service: KubeObject): readonly PortFact[] {
  const { namespace = "", name } = service.metadata;
  if (namespace === "kube-system" || (namespace === "default" && name === "kubernetes")) return [];
  return listOf(at(service, "spec", "ports")).map((port) => ({
    service: `${namespace}/${name}`,
    name: textOf(at(port, "name")),
    port: Number(textOf(at(port, "port"))),
  }));
}

/** The control plane tries them: it stands where the sidecars stand. */
async function gatewaysSeen(kube: KubeClient, namespace: string, pod: string): Promise<readonly GatewayFact[]> {
  const target = { kind: "pods", namespace, name: pod, port: 15014 } as const;
  const answer: unknown = await (await kube.proxyRequest(target, "GET", "/debug/networkz?probe=true")).json();
  return Object.entries(recordOf(at(answer, "gateways"))).flatMap(([network, list]) =>
    listOf(list).map((gateway) => ({
      network,
      address: textOf(at(gateway, "address")),
      port: Number(textOf(at(gateway, "port"))),
      problem: textOf(at(gateway, "problem")),
    })),
  );
}

/** Both stock forms: stubDomains of kube-dns, a server block of CoreDNS. */
async function forwardsGlobal(kube: KubeClient, address: string): Promise<boolean> {
  const map = (name: string) => kube.find({ apiVersion: "v1", kind: "ConfigMap", namespace: "kube-system", name });
  const stubs = textOf(at(await map("kube-dns"), "data", "stubDomains"));
  const corefile = textOf(at(await map("coredns"), "data", "Corefile"));
  return (
    (stubs.includes('"global"') && stubs.includes(address)) ||
    (/^\s*global(:53)?\s*\{/m.test(corefile) && corefile.includes(address))
  );
}
