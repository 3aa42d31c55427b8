import { expect, test } from "bun:test";
import type { ClusterFacts } from "./cluster-facts.ts";
import { compareClusters } from "./compare-clusters.ts";

const pem = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----`;

function facts(context: string, other: string, changes: Partial<ClusterFacts> = {}): ClusterFacts {
  const known = { istiod: "istiod-1", secret: "istio-system/x", status: "synced", reason: "" };
  return {
    context,
    id: context,
    trustDomain: "cluster.local",
    trustDomainAliases: [],
    givenRoots: [],
    roots: pem("AAAA"),
    networkLabel: `net-${context}`,
    networkValue: `net-${context}`,
    gatewayServices: [{ name: "istio-system/ew", network: `net-${context}`, addresses: 1 }],
    gateways: [{ network: `net-${other}`, address: "192.0.2.2", port: 15443, problem: "" }],
    known: [{ ...known, id: other }],
    ports: [{ service: "shop/web", name: "http", port: 80 }],
    skewS: 0,
    managedBy: undefined,
    unread: [],
    meshDns: "",
    stubDomain: false,
    ...changes,
  };
}

const wrongs = (changes: Partial<ClusterFacts>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    compareClusters([facts("east", "west"), facts("west", "east", changes)])
      .filter(({ wrong }) => wrong.length > 0)
      .map(({ anchor, wrong }) => [anchor.replace("multicluster-", ""), wrong.join("\n")]),
  );

test("two clusters that fit have nothing to say", () => {
  expect(wrongs({})).toEqual({});
});

test("each usual mistake is found, with what to do", () => {
  expect(wrongs({ roots: pem("BBBB") })["roots"]).toContain("heddle ca root");
  const unlike = { trustDomain: "west.example", trustDomainAliases: ["cluster.local"] };
  expect(wrongs(unlike)["roots"]).toBe(
    "east does not take accounts of trust domain west.example (west) for its own services': add west.example to trustDomainAliases of its MeshConfig",
  );
  expect(wrongs({ ...unlike, roots: pem("BBBB") })["roots"]).toContain("heddle ca bundle --context east");
  const given = [{ pem: pem("AAAA"), trustDomains: ["cluster.local"] }];
  expect(wrongs({ roots: pem("BBBB"), givenRoots: given })["roots"]).toBe(
    'east knows no root that vouches for cluster.local of west: put what "heddle ca bundle --context west" prints into caCertificates of its MeshConfig, or give both clusters one root (heddle ca root)',
  );
  expect(wrongs({ id: "east" })["names"]).toContain("clusterName=OTHER");
  expect(wrongs({ skewS: -90 })["clocks"]).toContain("90 s behind");
  expect(wrongs({ known: [] })["secrets"]).toContain("create-remote-secret --context east --name east");
  const known = [{ id: "east", istiod: "a", secret: "b", status: "timeout", reason: "no answer" }];
  expect(wrongs({ known })["secrets"]).toBe("west reads east, but it is timeout: no answer");
  const crossed = [
    { id: "east", istiod: "a", secret: "b", status: "synced", reason: "address 10.0.0.1 is twice there" },
  ];
  expect(wrongs({ known: crossed })["secrets"]).toContain("not everything gets traffic: address 10.0.0.1");
  const twin = { id: "west", istiod: "a", secret: "istio-system/twin", status: "refused", reason: "its own name" };
  expect(wrongs({ known: [...crossed.map((one) => ({ ...one, reason: "" })), twin] })["secrets"]).toBe(
    "west refuses Secret istio-system/twin: its own name",
  );
  // One mistake, one line: without the registry its gateways are unknown.
  expect(wrongs({ known, gateways: [] })["gateways"]).toBeUndefined();
  expect(wrongs({ networkLabel: "" })["networks"]).toContain("values.global.network=net-west");
  const labelled = [{ name: "istio-system/ew", network: "net-wets", addresses: 1 }];
  expect(wrongs({ gatewayServices: labelled })["networks"]).toContain("on which no cluster is");
  expect(wrongs({ gateways: [] })["gateways"]).toContain("gen-eastwest-gateway.sh --network net-east");
  const silent = [{ network: "net-east", address: "192.0.2.1", port: 15443, problem: "no answer within 2 s" }];
  expect(wrongs({ gateways: silent })["gateways"]).toContain("192.0.2.1:15443 of network net-east does not answer");
  expect(wrongs({ meshDns: "10.0.0.9" })["dns"]).toContain("stubDomains");
  expect(wrongs({ ports: [{ service: "shop/web", name: "web", port: 80 }] })["ports"]).toContain(
    'port 80 ("http") of Service shop/web in east is named "web" in west',
  );
});

test("one number for UDP and TCP is two ports, whose names may come in any order", () => {
  const udp = { service: "shop/dns", name: "dns", port: 53 };
  const tcp = { service: "shop/dns", name: "dns-tcp", port: 53 };
  expect(
    compareClusters([facts("east", "west", { ports: [udp, tcp] }), facts("west", "east", { ports: [tcp, udp] })]),
  ).toSatisfy((lines) => lines.every(({ wrong }) => wrong.length === 0));
});

test("a cluster without a control plane: who manages it, and whether that one does", () => {
  const remote = { known: [], gateways: [] };
  expect(wrongs({ ...remote, managedBy: ["east"] })).toEqual({});
  expect(wrongs({ ...remote, managedBy: ["*"] })).toEqual({});
  const unread = ["a/a", "a/b", "a/c", "a/d"].map((name) => `VirtualService ${name}`);
  expect(wrongs({ ...remote, managedBy: ["east"], unread })["primaries"]).toBe(
    "nobody reads VirtualService a/a, VirtualService a/b, VirtualService a/c and 1 more in west, which has no control plane: apply such resources in east, and delete them here",
  );
  expect(wrongs({ ...remote, managedBy: [] })["primaries"]).toContain("controlPlaneClusters=east");
  expect(wrongs({ ...remote, managedBy: ["est"] })["primaries"]).toContain("none of these clusters");
  expect(wrongs({ ...remote, managedBy: ["east"], roots: "" })).toEqual({
    primaries:
      "west is to be managed from east, but has no root certificate from there yet: see heddle remote-clusters --context east",
  });
});
