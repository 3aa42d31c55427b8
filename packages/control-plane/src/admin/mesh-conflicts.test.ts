import { expect, test } from "bun:test";
import { defaultMeshConfig } from "@heddle/config";
import type { KubeObject } from "@heddle/kube-client";
import { applyEvents, emptyMesh } from "@heddle/model";
import { meshConflicts } from "./mesh-conflicts.ts";

const networking = (kind: string, namespace: string, name: string, spec: unknown): KubeObject => ({
  apiVersion: "networking.istio.io/v1",
  kind,
  metadata: { name, namespace },
  spec,
});
const rule = (namespace: string, name: string, subsets: readonly string[], more = {}) =>
  networking("DestinationRule", namespace, name, {
    host: "web",
    subsets: subsets.map((subset) => ({ name: subset, labels: { version: subset } })),
    ...more,
  });
const entry = (namespace: string, name: string, host: string, port: number, resolution = "NONE", more = {}) =>
  networking("ServiceEntry", namespace, name, {
    hosts: [host],
    ports: [{ number: port, name: "tcp", protocol: "TCP" }],
    resolution,
    ...more,
  });
const service = (name: string, protocol: string): readonly KubeObject[] => [
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "a" },
    spec: {
      clusterIP: `10.0.0.${name.length}`,
      ports: [{ name: protocol, port: 80, targetPort: 8080 }],
      selector: { app: "web" },
    },
  },
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name, namespace: "a", labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ name: protocol, port: 8080, protocol: "TCP" }],
    endpoints: [{ addresses: ["10.1.0.1"], conditions: { ready: true } }],
  },
];

/** Its sidecar is what two protocols would puzzle. */
const pod: KubeObject = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "a", labels: { app: "web", "security.istio.io/tlsMode": "istio" } },
  spec: { containers: [{ name: "web" }, { name: "istio-proxy" }] },
  status: { phase: "Running", podIP: "10.1.0.1" },
};

function conflictsOf(...objects: readonly KubeObject[]) {
  const empty = emptyMesh({ mesh: defaultMeshConfig() });
  return meshConflicts(
    applyEvents(
      empty,
      objects.map((object) => ({ kind: "upsert" as const, object })),
    ).state,
  );
}

const NONE = { repeatedSubsets: 0, repeatedClusters: 0, emptyDnsClusters: 0, inbound: 0, outboundTcp: 0 };

test("a mesh in which nothing is in the way of anything has none", () => {
  expect(
    conflictsOf(
      rule("a", "one", ["v1"]),
      rule("b", "one", ["v1"]),
      rule("a", "some", ["v1"], { workloadSelector: { matchLabels: { app: "x" } } }),
      entry("a", "one", "one.example.com", 9000),
      entry("a", "two", "two.example.com", 9001),
      ...service("web", "http"),
      ...service("web-again", "http"),
    ),
  ).toEqual(NONE);
});

test("subsets twice, hosts of two namespaces, TCP ports without address, protocols that differ are counted once each", () => {
  expect(conflictsOf(rule("a", "one", ["v1"]), rule("a", "two", ["v1", "v2"]))).toEqual({
    ...NONE,
    repeatedSubsets: 1,
  });
  expect(
    conflictsOf(
      entry("a", "one", "one.example.com", 9000, "DNS", { addresses: ["240.9.9.9"] }),
      entry("b", "one", "one.example.com", 9000, "DNS", { addresses: ["240.9.9.9"] }),
    ),
  ).toEqual({ ...NONE, repeatedClusters: 1 });
  expect(conflictsOf(entry("a", "one", "one.example.com", 9000), entry("a", "two", "two.example.com", 9000))).toEqual({
    ...NONE,
    outboundTcp: 1,
  });
  const claims = [...service("web", "http"), ...service("web-tcp", "tcp")];
  expect(conflictsOf(...claims)).toEqual(NONE);
  expect(conflictsOf(pod, ...claims)).toEqual({ ...NONE, inbound: 1 });
});
