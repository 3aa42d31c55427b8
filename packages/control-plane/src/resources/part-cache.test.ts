import { expect, test } from "bun:test";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { defaultMeshConfig, type KubeObject } from "@heddle/config";
import { applyEvents, createViews, emptyMesh, type MeshState, readProxyNode } from "@heddle/model";
import { translateOutbound } from "@heddle/translate";
import { RouteConfigurationSchema } from "@heddle/xds-api/envoy/config/route/v3/route";
import { encodeResources } from "./encode.ts";
import { createPartCache } from "./part-cache.ts";

const service = (name: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "a" },
  spec: {
    clusterIP: "10.0.0.1",
    ports: [
      { name: "http", port: 80 },
      { name: "tcp", port: 90 },
    ],
  },
});
const rule = (prefix: string): KubeObject => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "x", namespace: "a" },
  spec: { hosts: ["x"], http: [{ match: [{ uri: { prefix } }], route: [{ destination: { host: "y" } }] }] },
});
const sticky: KubeObject = {
  apiVersion: "networking.istio.io/v1",
  kind: "DestinationRule",
  metadata: { name: "y", namespace: "a" },
  spec: { host: "y", trafficPolicy: { loadBalancer: { consistentHash: { httpHeaderName: "x-user" } } } },
};
const put = (state: MeshState, ...objects: readonly KubeObject[]): MeshState =>
  applyEvents(
    state,
    objects.map((object) => ({ kind: "upsert", object })),
  ).state;

function viewOf(state: MeshState, namespace = "a") {
  const node = readProxyNode(`sidecar~10.0.0.9~p.${namespace}~${namespace}.svc.cluster.local`, {});
  if (!node.ok) throw new Error("node");
  return createViews().viewFor(state, node.value).outbound;
}
const names = (list: readonly { readonly name: string }[]): string[] => list.map(({ name }) => name).sort();
const routes = (body: Uint8Array) => toBinary(RouteConfigurationSchema, fromBinary(RouteConfigurationSchema, body));

test("the parts together are the view's translation, and what did not change keeps its bytes", () => {
  const cache = createPartCache();
  const first = put(emptyMesh({ mesh: defaultMeshConfig() }), service("x"), service("y"), rule("/one"));
  const steps = [first, put(first, rule("/two")), put(first, sticky), put(first, service("z"))];
  for (const state of steps) {
    for (const namespace of ["a", "b"]) {
      cache.turn();
      const view = viewOf(state, namespace);
      const parts = cache.encode(view);
      const whole = encodeResources(translateOutbound(view));
      expect(parts?.clusters).toEqual(whole.clusters);
      expect(parts?.listeners).toEqual(whole.listeners);
      expect(names(parts?.routes ?? [])).toEqual(names(whole.routes));
      for (const route of whole.routes) {
        const same = parts?.routes.find(({ name }) => name === route.name);
        expect(routes(same?.body ?? new Uint8Array())).toEqual(routes(route.body));
      }
    }
  }
  const [before, after] = [first, put(first, rule("/two"))].map((state) => cache.encode(viewOf(state)));
  const cluster = (from: typeof before) => from?.clusters.find(({ name }) => name.includes("|80||y."));
  expect(cluster(after) !== undefined && cluster(after) === cluster(before)).toBe(true);
});

test("parts that nothing uses any more are forgotten", () => {
  const cache = createPartCache();
  cache.encode(viewOf(put(emptyMesh({ mesh: defaultMeshConfig() }), service("x"))));
  expect(cache.size).toBeGreaterThan(0);
  for (let i = 0; i < 10; i++) cache.turn();
  expect(cache.size).toBe(0);
});
