import { expect, test } from "bun:test";
import type { KubeObject } from "@heddle/kube-client";
import { gatewayAddresses, globalEntry } from "./global-entry.ts";

const service = (spec: Record<string, unknown>, status: Record<string, unknown> = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "httpbin", namespace: "bar" },
  spec,
  status,
});

test("a Service becomes what the walkthrough writes by hand", () => {
  const ports = [
    { name: "http", port: 8000 },
    { name: "grpc-web-x", port: 81 },
    { port: 9000, appProtocol: "tcp" },
    { name: "raw", port: 7 },
    { name: "dns", port: 53, protocol: "UDP" },
  ];
  expect(globalEntry(service({ ports }), ["198.18.1.1"])).toMatchObject({
    metadata: { name: "httpbin-bar" },
    spec: {
      hosts: ["httpbin.bar.global"],
      location: "MESH_INTERNAL",
      resolution: "DNS",
      ports: [
        { name: "http", number: 8000, protocol: "HTTP" },
        { name: "grpc-web-x", number: 81, protocol: "GRPC-WEB" },
        { name: "tcp-9000", number: 9000, protocol: "TCP" },
        { name: "raw", number: 7 },
      ],
      endpoints: [
        { address: "198.18.1.1", ports: { http: 15443, "grpc-web-x": 15443, "tcp-9000": 15443, raw: 15443 } },
      ],
    },
  });
});

test("what can't be exposed is refused with the reason", () => {
  expect(() => globalEntry(service({ type: "ExternalName" }), ["x"])).toThrow("bar/httpbin is an ExternalName");
  expect(() => globalEntry(service({ ports: [{ port: 53, protocol: "UDP" }] }), ["x"])).toThrow("has no TCP port");
  expect(() => gatewayAddresses(service({ type: "LoadBalancer" }))).toThrow("--gateway ADDRESS");
  const ingress = [{ ip: "198.18.1.1" }, { hostname: "lb.example.com" }];
  expect(gatewayAddresses(service({}, { loadBalancer: { ingress } }))).toEqual(["198.18.1.1", "lb.example.com"]);
});
