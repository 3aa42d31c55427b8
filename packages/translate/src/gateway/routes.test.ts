import { expect, test } from "bun:test";
import { buildCase } from "../mesh-case.testing.ts";

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "gw", namespace: "istio-system", labels: { istio: "ingressgateway" } },
  status: { podIP: "10.0.0.1" },
};
const ingress = (name: string, path: string) => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "Ingress",
  metadata: { name, namespace: "shop", annotations: { "kubernetes.io/ingress.class": "istio" } },
  spec: {
    rules: [
      {
        host: "shop.example",
        http: { paths: [{ path, pathType: "Prefix", backend: { service: { name: "web", port: { number: 80 } } } }] },
      },
    ],
  },
});

/** Domains of the virtual hosts, with where each of their routes was written. */
function written(...objects: readonly object[]): unknown {
  const { resources } = buildCase({ objects: [pod, ...objects], proxy: "istio-system/gw", kind: "router" });
  return resources.routes.flatMap(({ virtualHosts }) =>
    virtualHosts.map(({ domains, routes }) => [
      domains.join(),
      ...routes.map(({ metadata }) => {
        const at = Object(Object(metadata?.filterMetadata["heddle"])["decided"])["route"];
        return `${at?.kind} ${at?.name} ${at?.path}`;
      }),
    ]),
  );
}

test("several Ingresses of one host have one set of routes, each by the path that it was written at", () => {
  expect(written(ingress("a", "/a"), ingress("b", "/longer"), ingress("c", "/"))).toEqual([
    [
      "shop.example",
      "Ingress b spec.rules[0].http.paths[0]",
      "Ingress a spec.rules[0].http.paths[0]",
      "Ingress c spec.rules[0].http.paths[0]",
    ],
  ]);
});

test("a VirtualService that is bound to several servers of a port comes once; what differs by Gateway stays", () => {
  const gateway = (name: string) => ({
    apiVersion: "networking.istio.io/v1",
    kind: "Gateway",
    metadata: { name, namespace: "shop" },
    spec: {
      selector: { istio: "ingressgateway" },
      servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
    },
  });
  const service = (...http: object[]) => ({
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "vs", namespace: "shop" },
    spec: { hosts: ["shop.example"], gateways: ["one", "two"], http },
  });
  const answer = (gateways?: string[]) => ({
    ...(gateways === undefined ? {} : { match: [{ uri: { prefix: `/${gateways}` }, gateways }] }),
    directResponse: { status: 204 },
  });
  const routes = (...numbers: string[]) => [["shop.example", ...numbers.map((at) => `VirtualService vs spec.${at}`)]];
  expect(written(gateway("one"), gateway("two"), service(answer()))).toEqual(routes("http[0]"));
  expect(written(gateway("one"), gateway("two"), service(answer(["one"]), answer(["two"])))).toEqual(
    routes("http[0].match[0]", "http[1].match[0]"),
  );
});
