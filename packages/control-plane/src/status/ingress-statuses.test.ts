import { expect, test } from "bun:test";
import { asKubeObject, defaultMeshConfig } from "@heddle/config";
import { KubeError } from "@heddle/kube-client";
import { applyEvents, applySettings, emptyMesh } from "@heddle/model";
import { createLineSink, createLogger, createManualClock } from "@heddle/std";
import { createIngressStatuses } from "./ingress-statuses.ts";

test("Ingresses of the mesh get the addresses of the gateway's Service, once each", async () => {
  const written: unknown[] = [];
  let down = true;
  const clock = createManualClock();
  const statuses = createIngressStatuses({
    kube: {
      patch: async ({ name }, body) => {
        if (down) throw new Error("the API server is away");
        written.push([name, body]);
        return { apiVersion: "v1", kind: "Ingress", metadata: { name } };
      },
    },
    clock,
    log: createLogger({ clock, level: "error", sink: createLineSink("text", () => {}) }),
  });
  const object = (raw: unknown) => {
    const found = asKubeObject(raw);
    if (found === undefined) throw new Error("no object");
    return { kind: "upsert", object: found } as const;
  };
  const ingress = (name: string, of: string, addresses: readonly object[] = []) =>
    object({
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: { name, namespace: "shop", annotations: { "kubernetes.io/ingress.class": of } },
      spec: {},
      status: { loadBalancer: { ingress: addresses } },
    });
  const balancer = [{ hostname: "lb.example" }, { ip: "203.0.113.7" }];
  const { state } = applyEvents(emptyMesh({ mesh: defaultMeshConfig() }), [
    object({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "istio-ingressgateway", namespace: "istio-system" },
      spec: { type: "LoadBalancer", clusterIP: "10.1.0.1", externalIPs: ["198.51.100.1"], ports: [{ port: 80 }] },
      status: { loadBalancer: { ingress: balancer } },
    }),
    ingress("a", "istio"),
    ingress("theirs", "nginx"),
  ]);
  const wanted = [{ ip: "198.51.100.1" }, { ip: "203.0.113.7" }, { hostname: "lb.example" }];
  statuses.update(state);
  await Bun.sleep(1);
  expect(written).toEqual([]);
  down = false;
  clock.advance(10_000);
  await Bun.sleep(1);
  expect(written).toEqual([["a", { status: { loadBalancer: { ingress: wanted } } }]]);
  const settled = applyEvents(state, [ingress("a", "istio", wanted)]).state;
  statuses.update(settled);
  await Bun.sleep(1);
  expect(written).toHaveLength(1);
  // Without a Service: by the nodes of the gateway's pods.
  const pod = (name: string, phase: string, nodeName: string, istio = "ingressgateway") =>
    object({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "istio-system", labels: { istio } },
      spec: { nodeName },
      status: { phase },
    });
  const node = (name: string, ...addresses: object[]) =>
    object({ apiVersion: "v1", kind: "Node", metadata: { name }, status: { addresses } });
  const placed = applyEvents(settled, [
    pod("gw", "Running", "n1"),
    pod("old", "Succeeded", "n2"),
    pod("else", "Running", "n2", "eastwestgateway"),
    node("n1", { type: "InternalIP", address: "10.0.0.1" }, { type: "ExternalIP", address: "203.0.113.1" }),
    node("n2", { type: "ExternalIP", address: "203.0.113.2" }),
  ]).state;
  statuses.update(applySettings(placed, { mesh: { ...defaultMeshConfig(), ingressService: "" } }).state);
  await Bun.sleep(1);
  expect(written.slice(1)).toEqual([["a", { status: { loadBalancer: { ingress: [{ ip: "203.0.113.1" }] } } }]]);
  statuses.close();
});

test("a refusal is not repeated until something changes", async () => {
  let asked = 0;
  const clock = createManualClock();
  const statuses = createIngressStatuses({
    kube: {
      patch: async () => {
        asked++;
        throw new KubeError(403, "Forbidden", "no");
      },
    },
    clock,
    log: createLogger({ clock, level: "error", sink: createLineSink("text", () => {}) }),
  });
  const raw = asKubeObject({
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name: "a", namespace: "shop", annotations: { "kubernetes.io/ingress.class": "istio" } },
    status: { loadBalancer: { ingress: [{ ip: "203.0.113.9" }] } },
  });
  if (raw === undefined) throw new Error("no object");
  statuses.update(applyEvents(emptyMesh({ mesh: defaultMeshConfig() }), [{ kind: "upsert", object: raw }]).state);
  await Bun.sleep(1);
  clock.advance(60_000);
  await Bun.sleep(1);
  expect(asked).toBe(1);
  statuses.close();
});
