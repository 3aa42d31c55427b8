import { expect, test } from "bun:test";
import { defaultMeshConfig, type KubeObject } from "@heddle/config";
import { applyEvents, createViews, emptyMesh, readProxyNode } from "@heddle/model";
import { translate } from "../translate.ts";

const meta = (name: string) => ({ name, namespace: "a" });
const entry = (host: string) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "ServiceEntry",
  metadata: meta(host),
  spec: { hosts: [host], resolution: "DNS", ports: [{ number: 80, name: "http", protocol: "HTTP" }] },
});
const rule = (host: string, mode: string) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "DestinationRule",
  metadata: meta(host),
  spec: { host, trafficPolicy: { tls: { mode } } },
});
const objects: readonly KubeObject[] = [
  { apiVersion: "v1", kind: "Pod", metadata: meta("p"), status: { podIP: "10.0.0.1" } },
  ...["plain.test", "tls.test", "mixed.test"].map(entry),
  rule("tls.test", "SIMPLE"),
  rule("plain.test", "ISTIO_MUTUAL"),
  {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: meta("mixed"),
    spec: {
      hosts: ["mixed.test"],
      http: [
        {
          route: [
            { destination: { host: "tls.test" }, weight: 50 },
            { destination: { host: "plain.test" }, weight: 50 },
          ],
        },
      ],
    },
  },
] as readonly KubeObject[];

const FILTER = "envoy.filters.http.set_filter_state";

test("routes and shares whose TLS a DestinationRule originates offer no protocols of the mesh", () => {
  const events = objects.map((object) => ({ kind: "upsert", object }) as const);
  const { state } = applyEvents(emptyMesh({ mesh: defaultMeshConfig() }), events);
  const node = readProxyNode("sidecar~10.0.0.1~p.a~a.svc.cluster.local", {});
  if (!node.ok) throw new Error("node");
  const { routes } = translate(createViews().viewFor(state, node.value));
  const routeOf = (host: string) =>
    routes.find(({ name }) => name === "80")?.virtualHosts.find(({ name }) => name === `${host}:80`)?.routes[0];
  const filtersOf = (host: string) => Object.keys(routeOf(host)?.typedPerFilterConfig ?? {});
  expect(filtersOf("tls.test")).toEqual([FILTER]);
  expect(filtersOf("plain.test")).toEqual([]);
  expect(filtersOf("mixed.test")).toEqual([]);
  const action = routeOf("mixed.test")?.action;
  const shares =
    action?.case === "route" && action.value.clusterSpecifier.case === "weightedClusters"
      ? action.value.clusterSpecifier.value.clusters
      : [];
  expect(shares.map((share) => Object.keys(share.typedPerFilterConfig))).toEqual([[FILTER], []]);
});
