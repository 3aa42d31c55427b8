import { describe, expect, test } from "bun:test";
import { networkPlan } from "../network/index.ts";
import type { Endpoint, EndpointSlice, Service } from "../service-proxy/index.ts";
import { lookUp, type ZoneData } from "./cluster-zone.ts";

const plan = networkPlan(0);

function service(name: string, change: Partial<Service> = {}): Service {
  return {
    namespace: "shop",
    name,
    type: "ClusterIP",
    clusterIps: ["10.140.1.1"],
    headless: false,
    externalIps: [],
    balancerIps: [],
    clientAffinity: false,
    ports: [{ name: "http", protocol: "tcp", port: 80 }],
    ...change,
  };
}

function slice(name: string, endpoints: readonly Partial<Endpoint>[]): EndpointSlice {
  const full = endpoints.map((endpoint) => ({ addresses: [], ready: true, serving: true, ...endpoint }));
  return { namespace: "shop", service: name, ports: [{ name: "http", protocol: "tcp", port: 8080 }], endpoints: full };
}

const services = [
  service("web"),
  service("db", { headless: true, clusterIps: [] }),
  service("idle", { headless: true, clusterIps: [] }),
  service("api", { type: "ExternalName", clusterIps: [], externalName: "api.example.com" }),
];
const slices = [
  slice("db", [
    { addresses: ["10.40.0.5"], hostname: "db-0" },
    { addresses: ["10.40.0.6"] },
    { addresses: ["10.40.0.7"], ready: false },
  ]),
];
const data: ZoneData = {
  services: () => services,
  service: (namespace, name) => services.find((s) => s.namespace === namespace && s.name === name),
  slices: (namespace, name) => slices.filter((s) => s.namespace === namespace && s.service === name),
  hasNamespace: (namespace) => namespace === "shop",
};

/** `10.1.1.1 …` for answers, or the kind. */
function ask(name: string, type = "A"): string {
  const found = lookUp(plan, data, name, type);
  if (found.kind === "alias") return `alias ${found.target}`;
  if (found.kind !== "known") return found.kind;
  if (found.answers.length === 0) return "no records";
  return found.answers
    .map((answer) =>
      "data" in answer ? (typeof answer.data === "string" ? answer.data : JSON.stringify(answer.data)) : answer.type,
    )
    .join(" ");
}

describe("cluster names", () => {
  test.each([
    ["web.shop.svc.cluster.local", "A", "10.140.1.1"],
    ["WEB.Shop.svc.cluster.local.", "A", "10.140.1.1"],
    ["web.shop.svc.cluster.local", "AAAA", "no records"],
    ["nope.shop.svc.cluster.local", "A", "missing"],
    ["nope.shop.svc.cluster.local", "AAAA", "missing"],
    ["web.other.svc.cluster.local", "A", "missing"],
    ["example.com.shop.svc.cluster.local", "A", "missing"],
    ["shop.svc.cluster.local", "A", "no records"],
    ["other.svc.cluster.local", "A", "missing"],
    ["svc.cluster.local", "A", "no records"],
    ["cluster.local", "A", "no records"],
    ["odd.cluster.local", "A", "missing"],
    ["example.com", "A", "foreign"],
    ["notcluster.local", "A", "foreign"],
    ["api.shop.svc.cluster.local", "A", "alias api.example.com"],
    // Headless: ready endpoints only; names are host names, else addresses with dashes.
    ["db.shop.svc.cluster.local", "A", "10.40.0.5 10.40.0.6"],
    ["idle.shop.svc.cluster.local", "A", "missing"],
    ["db-0.db.shop.svc.cluster.local", "A", "10.40.0.5"],
    ["10-40-0-6.db.shop.svc.cluster.local", "A", "10.40.0.6"],
    ["10-40-0-7.db.shop.svc.cluster.local", "A", "missing"],
    ["x.web.shop.svc.cluster.local", "A", "missing"],
    // Ports.
    [
      "_http._tcp.web.shop.svc.cluster.local",
      "SRV",
      '{"target":"web.shop.svc.cluster.local","port":80,"weight":100,"priority":0}',
    ],
    ["_http._udp.web.shop.svc.cluster.local", "SRV", "missing"],
    ["_http._tcp.web.shop.svc.cluster.local", "A", "no records"],
    // Pods and reverse names.
    ["10-40-0-9.shop.pod.cluster.local", "A", "10.40.0.9"],
    ["10-40-0-9.other.pod.cluster.local", "A", "missing"],
    ["300-1-1-1.shop.pod.cluster.local", "A", "missing"],
    ["1.1.140.10.in-addr.arpa", "PTR", "web.shop.svc.cluster.local"],
    ["5.0.40.10.in-addr.arpa", "PTR", "db-0.db.shop.svc.cluster.local"],
    ["9.9.140.10.in-addr.arpa", "PTR", "missing"],
    ["8.8.8.8.in-addr.arpa", "PTR", "foreign"],
  ])("%s %s → %s", (name, type, expected) => expect(ask(name, type)).toBe(expected));

  test("a headless port names each endpoint and its own port", () => {
    const found = lookUp(plan, data, "_http._tcp.db.shop.svc.cluster.local", "SRV");
    expect(found.kind).toBe("known");
    if (found.kind !== "known") return;
    expect(found.answers.map((a) => (a.type === "SRV" ? `${a.data.target}:${a.data.port}` : a.type))).toEqual([
      "db-0.db.shop.svc.cluster.local:8080",
      "10-40-0-6.db.shop.svc.cluster.local:8080",
    ]);
    expect(found.additional?.length).toBe(2);
  });
});
