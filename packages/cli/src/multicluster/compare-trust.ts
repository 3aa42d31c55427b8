import { pemBlocks } from "@heddle/identity";
import type { ClusterFacts } from "./cluster-facts.ts";

/** Roots of somebody else's that a mesh trusts (MeshConfig `caCertificates`). */
export interface GivenRoots {
  readonly pem: string;
  /** Empty: for all identities. */
  readonly trustDomains: readonly string[];
}

/** Whether workloads of each cluster believe who those of the other are: both directions, as each has its own configuration. */
export function compareTrust(a: ClusterFacts, b: ClusterFacts): readonly string[] {
  const federated = [a, b].some(({ givenRoots }) => givenRoots.length > 0);
  if (a.trustDomain === b.trustDomain && !federated)
    return shareOne(a.roots, b.roots)
      ? []
      : [
          `${a.context} and ${b.context} have different roots, so neither believes the other's certificates: make one root (heddle ca root) and an intermediate for each (heddle ca intermediate --cluster NAME), and put them into Secret cacerts of both; or let each trust the other's (heddle ca bundle)`,
        ];
  return [...oneWay(a, b), ...oneWay(b, a)];
}

function oneWay(own: ClusterFacts, other: ClusterFacts): readonly string[] {
  const { context, trustDomain, trustDomainAliases, givenRoots } = own;
  const named = givenRoots.filter(({ trustDomains }) => trustDomains.includes(other.trustDomain));
  const isOwn = other.trustDomain === trustDomain;
  const bundle = `heddle ca bundle --context ${other.context}`;
  const known = [
    ...(isOwn || named.length === 0 ? [own.roots] : []),
    ...[...named, ...givenRoots.filter(({ trustDomains }) => trustDomains.length === 0)].map(({ pem }) => pem),
  ].join("\n");
  return [
    ...(isOwn || trustDomainAliases.includes(other.trustDomain)
      ? []
      : [
          `${context} does not take accounts of trust domain ${other.trustDomain} (${other.context}) for its own services': add ${other.trustDomain} to trustDomainAliases of its MeshConfig`,
        ]),
    ...(shareOne(known, other.roots)
      ? []
      : [
          `${context} knows no root that vouches for ${other.trustDomain} of ${other.context}: put what "${bundle}" prints into caCertificates of its MeshConfig, or give both clusters one root (heddle ca root)`,
        ]),
  ];
}

function shareOne(a: string, b: string): boolean {
  const text = (pem: string) => pemBlocks(pem, "CERTIFICATE").map((block) => block.replace(/\s/g, ""));
  const there = new Set(text(b));
  return text(a).some((root) => there.has(root));
}
