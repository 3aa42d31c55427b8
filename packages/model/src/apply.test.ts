import { describe, expect, test } from "bun:test";
import { defaultMeshConfig, type KubeObject } from "@heddle/config";
import { applyEvents, applySettings } from "./apply.ts";
import type { SourceEvent } from "./events.ts";
import { readProxyNode } from "./node.ts";
import { emptyMesh, type MeshState } from "./state.ts";
import { createViews, endpointsFor } from "./views.ts";

const upsert = (object: unknown): SourceEvent => ({ kind: "upsert", object: object as KubeObject });

const service = (name: string, more: object = {}, meta: object = {}): SourceEvent =>
  upsert({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop", ...meta },
    spec: {
      clusterIP: "10.1.0.1",
      selector: { app: name },
      ports: [{ name: "http", port: 80, targetPort: 8080 }],
      ...more,
    },
  });
const pod = (name: string, app: string, ip: string, more: object = {}, sa = app): SourceEvent =>
  upsert({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "shop", labels: { app, "security.istio.io/tlsMode": "istio" }, ...more },
    spec: { serviceAccountName: sa, nodeName: "n1", containers: [] },
    status: { podIP: ip, phase: "Running" },
  });
const slice = (name: string, endpoints: readonly (readonly [string, string, object?])[]): SourceEvent =>
  upsert({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-s`, namespace: "shop", labels: { "kubernetes.io/service-name": name } },
    ports: [{ name: "http", port: 8080 }],
    endpoints: endpoints.map(([ip, target, conditions]) => ({
      addresses: [ip],
      conditions: conditions ?? { ready: true },
      targetRef: { kind: "Pod", name: target },
    })),
  });

/** Freezes what a pure function gets, so that a mutation throws. */
function frozen<T>(value: T): T {
  if (value instanceof Map) for (const member of value.values()) frozen(member);
  else if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) frozen(member);
  }
  return value;
}

function after(state: MeshState, ...events: SourceEvent[]) {
  return applyEvents(frozen(state), frozen(events));
}

const base = after(
  emptyMesh({ mesh: defaultMeshConfig() }),
  service("web"),
  service("db"),
  pod("web-1", "web", "10.0.0.1"),
  pod("db-1", "db", "10.0.0.2"),
  slice("web", [["10.0.0.1", "web-1"]]),
  slice("db", [["10.0.0.2", "db-1"]]),
).state;

const web = "outbound|80||web.shop.svc.cluster.local";
function view(state: MeshState, ip = "10.0.0.1") {
  const node = readProxyNode(`sidecar~${ip}~web-1.shop~shop.svc.cluster.local`, {});
  if (!node.ok) throw new Error("node");
  return createViews().viewFor(state, node.value);
}

describe("applyEvents", () => {
  test("the first listing gives services with identities and endpoints with workloads, in any order", () => {
    expect(base.services.get("web.shop.svc.cluster.local")?.identities).toEqual([
      "spiffe://cluster.local/ns/shop/sa/web",
    ]);
    expect(endpointsFor(base, web)?.endpoints).toMatchObject([
      { address: "10.0.0.1", port: 8080, health: "healthy", meshed: true },
    ]);
  });

  test("an endpoint change touches only the endpoints of its service", () => {
    const { state, change } = after(
      base,
      slice("web", [
        ["10.0.0.1", "web-1"],
        ["10.0.0.9", "web-9"],
      ]),
    );
    expect(change).toEqual({ views: false, endpoints: ["web.shop.svc.cluster.local"] });
    expect(state.services).toBe(base.services);
    expect(view(state).hash).toBe(view(base).hash);
    expect(endpointsFor(state, web)?.hash).not.toBe(endpointsFor(base, web)?.hash);
  });

  test("the same object again changes nothing", () => {
    expect(
      after(base, slice("web", [["10.0.0.1", "web-1"]]), service("web"), pod("web-1", "web", "10.0.0.1")).change,
    ).toEqual({
      views: false,
      endpoints: [],
    });
  });

  test("a pod with another service account changes what clients accept", () => {
    const { change, state } = after(base, pod("web-2", "web", "10.0.0.5", {}, "other"));
    expect(change.views).toBe(true);
    expect(state.services.get("web.shop.svc.cluster.local")?.identities).toHaveLength(2);
  });

  test("an address that was given to a new pod belongs to the new one, whatever the order of events", () => {
    const reused = after(base, pod("web-3", "web", "10.0.0.1"), {
      kind: "delete",
      ref: { group: "", kind: "Pod", namespace: "shop", name: "web-1" },
    });
    expect(reused.state.workloads.get("10.0.0.1")?.name).toBe("web-3");
  });

  test("terminating endpoints drain, others that are not ready are left out", () => {
    const { state } = after(
      base,
      slice("web", [
        ["10.0.0.1", "web-1", { ready: false, serving: true, terminating: true }],
        ["10.0.0.6", "web-6", { ready: false, serving: false, terminating: false }],
      ]),
    );
    expect(endpointsFor(state, web)?.endpoints.map((e) => [e.address, e.health])).toEqual([["10.0.0.1", "draining"]]);
  });

  test("deleting a service takes its endpoints with it", () => {
    const { state, change } = after(base, {
      kind: "delete",
      ref: { group: "", kind: "Service", namespace: "shop", name: "web" },
    });
    expect(change.views).toBe(true);
    expect(endpointsFor(state, web)).toBeUndefined();
  });

  test("an invalid policy is a problem and leaves the last valid one in force", () => {
    const policy = (mode: string) =>
      upsert({
        apiVersion: "security.istio.io/v1",
        kind: "PeerAuthentication",
        metadata: { name: "default", namespace: "shop" },
        spec: { mtls: { mode } },
      });
    const strict = after(base, policy("STRICT"));
    expect(strict.change.views).toBe(true);
    const { state } = after(strict.state, policy("STRIKT"));
    expect([...state.problems.values()].flat()[0]?.path).toBe("spec.mtls.mode");
    expect(view(state).inbound.mtls.mode).toBe("STRICT");
  });

  test("DISABLE takes mutual TLS from the endpoints of the namespace", () => {
    const { state, change } = after(
      base,
      upsert({
        apiVersion: "security.istio.io/v1",
        kind: "PeerAuthentication",
        metadata: { name: "off", namespace: "shop" },
        spec: { mtls: { mode: "DISABLE" } },
      }),
    );
    expect(change.endpoints).toHaveLength(2);
    expect(endpointsFor(state, web)?.endpoints[0]?.meshed).toBe(false);
  });

  test("exportTo hides a service from other namespaces", () => {
    const { state } = after(base, service("db", {}, { annotations: { "networking.istio.io/exportTo": "." } }));
    const other = readProxyNode("sidecar~10.9.0.1~a.other~other.svc.cluster.local", {});
    if (!other.ok) throw new Error("node");
    expect(
      createViews()
        .viewFor(state, other.value)
        .outbound.services.map((s) => s.name),
    ).toEqual(["web"]);
    expect(view(state).outbound.services.map((s) => s.name)).toEqual(["db", "web"]);
  });

  test("new mesh settings reach every view", () => {
    const { state, change } = applySettings(base, { mesh: { ...defaultMeshConfig(), trustDomain: "prod" } });
    expect(change.views).toBe(true);
    expect(state.workloads.get("10.0.0.1")?.spiffeId).toBe("spiffe://prod/ns/shop/sa/web");
    expect(state.services.get("web.shop.svc.cluster.local")?.identities).toEqual(["spiffe://prod/ns/shop/sa/web"]);
  });

  test("replicas share their views, and the inbound side is found by label and named port", () => {
    expect(view(base).inbound.ports.map((p) => [p.number, p.service.name])).toEqual([[8080, "web"]]);
    const two = after(base, pod("web-2", "web", "10.0.0.7")).state;
    const second = readProxyNode("sidecar~10.0.0.7~web-2.shop~shop.svc.cluster.local", {
      SERVICE_ACCOUNT: "web",
      LABELS: {},
    });
    const first = readProxyNode("sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local", {
      SERVICE_ACCOUNT: "web",
      LABELS: {},
    });
    if (!second.ok || !first.ok) throw new Error("node");
    const views = createViews();
    expect(views.viewFor(two, first.value).outbound).toBe(views.viewFor(two, second.value).outbound);
    expect(views.viewFor(two, first.value).inbound.hash).toBe(views.viewFor(two, second.value).inbound.hash);
  });
});

describe("readProxyNode", () => {
  test.each([
    ["router-less id", "x", "node.id"],
    ["unknown kind", "ztunnel~1.1.1.1~a.b~b.svc.cluster.local", "node.id"],
    ["no namespace", "sidecar~1.1.1.1~a~b.svc.cluster.local", "node.id"],
  ])("refuses a %s", (_name, id, path) => {
    const read = readProxyNode(id, {});
    expect(read.ok ? "" : read.problems[0]?.path).toBe(path);
  });

  test("refuses metadata that contradicts the id", () => {
    const read = readProxyNode("sidecar~1.1.1.1~a.b~b.svc.cluster.local", { NAMESPACE: "c" });
    expect(read.ok ? "" : read.problems[0]?.path).toBe("node.metadata.NAMESPACE");
  });

  test("knows Envoy by its user agent", () => {
    const read = readProxyNode("sidecar~1.1.1.1~a.b~b.svc.cluster.local", {}, "envoy");
    expect(read.ok && read.value.dataPlane).toBe("envoy");
  });
});
