import { expect, test } from "bun:test";
import { defaultMeshConfig, type KubeObject } from "@heddle/config";
import { applyEvents, createViews, emptyMesh, readProxyNode } from "@heddle/model";
import { nameTable } from "./name-table.ts";

const meta = (name: string) => ({ name, namespace: "shop" });
const objects: readonly KubeObject[] = [
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: meta("web"),
    spec: { clusterIP: "10.1.0.1", ports: [{ name: "http", port: 80 }] },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: meta("db"),
    spec: { clusterIP: "None", ports: [{ name: "tcp", port: 5432 }] },
  },
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { ...meta("db-1"), labels: { "kubernetes.io/service-name": "db" } },
    addressType: "IPv4",
    ports: [{ name: "tcp", port: 5432 }],
    endpoints: [
      { addresses: ["10.2.0.1"], hostname: "db-0", conditions: { ready: true } },
      { addresses: ["10.2.0.2"], hostname: "db-1", conditions: { ready: true } },
    ],
  },
  ...["a.b.global", "*.wild.org"].map((host, i) => ({
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata: meta(`entry-${i}`),
    spec: {
      hosts: [host],
      ports: [{ number: 80, name: "http", protocol: "HTTP" }],
      resolution: i === 0 ? "DNS" : "NONE",
      addresses: i === 0 ? [] : ["10.9.0.9", "10.10.0.0/16"],
    },
  })),
];
const { state } = applyEvents(
  emptyMesh({ mesh: defaultMeshConfig() }),
  objects.map((object) => ({ kind: "upsert", object })),
);

function tableFor(metadata: Readonly<Record<string, string>>) {
  const node = readProxyNode("sidecar~10.2.0.9~me.shop~shop.svc.cluster.local", metadata);
  if (!node.ok) throw new Error("node");
  return nameTable(createViews().viewFor(state, node.value).outbound)?.table;
}

test("services, headless services with their pods, hosts of ServiceEntries with the addresses they were given", () => {
  const table = tableFor({ DNS_CAPTURE: "true" });
  const shown = Object.entries(table ?? {}).map(([host, { ips, registry, shortname }]) => [
    host,
    ips.join(" ").replace(/240\.0\.\d+\.\d+/, "<given>"),
    registry,
    shortname,
  ]);
  expect(shown.sort()).toEqual([
    ["*.wild.org", "10.9.0.9", "External", ""],
    ["a.b.global", "<given>", "External", ""],
    ["db-0.db.shop.svc.cluster.local", "10.2.0.1", "Kubernetes", "db-0.db"],
    ["db-1.db.shop.svc.cluster.local", "10.2.0.2", "Kubernetes", "db-1.db"],
    ["db.shop.svc.cluster.local", "10.2.0.1 10.2.0.2", "Kubernetes", "db"],
    ["web.shop.svc.cluster.local", "10.1.0.1", "Kubernetes", "web"],
  ]);
  expect(tableFor({ DNS_CAPTURE: "true", INSTANCE_IPS: "10.2.0.9,fd00::9" })?.["a.b.global"]?.ips).toHaveLength(2);
});

test("proxies that resolve no names get none", () => {
  expect(tableFor({})).toBeUndefined();
});
