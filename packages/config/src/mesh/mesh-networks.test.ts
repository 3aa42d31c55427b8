import { expect, test } from "bun:test";
import { formatProblem } from "../problem.ts";
import { parseMeshNetworks } from "./mesh-networks.ts";

const problems = (text: string) => {
  const read = parseMeshNetworks(text, "f");
  return read.ok ? [] : read.problems.map(formatProblem);
};

test("networks with their members and gateways", () => {
  const read = parseMeshNetworks(`
networks:
  network1:
    endpoints: [{fromRegistry: cluster1}, {fromCidr: 10.40.0.0/16}]
    gateways: [{address: 203.0.113.1, port: 15443, locality: eu/a}]
  network2:
    endpoints: [{fromRegistry: cluster2}]
    gateways: [{registryServiceName: istio-eastwestgateway.istio-system.svc.cluster.local, port: 15443}]
`);
  expect(read.ok && Object.keys(read.value.networks)).toEqual(["network1", "network2"]);
  expect(read.ok && read.value.networks["network1"]?.gateways[0]?.address).toBe("203.0.113.1");
  expect(parseMeshNetworks("").ok).toBe(true);
});

test.each([
  ["networks: {a: {endpoints: [{fromCidr: 10.0.0.0/99}]}}", 'networks["a"].endpoints[0].fromCidr'],
  ["networks: {a: {endpoints: [{fromCidr: 10.0.0.0/8, fromRegistry: x}]}}", 'networks["a"].endpoints[0]'],
  ["networks: {a: {gateways: [{port: 15443}]}}", 'networks["a"].gateways[0]'],
  ["networks: {a: {gateways: [{address: 10.0.0.1}]}}", 'networks["a"].gateways[0].port'],
  [
    "networks: {a: {endpoints: [{fromRegistry: x}]}, b: {endpoints: [{fromRegistry: x}]}}",
    "belongs to network a already",
  ],
  ["network: {}", "network"],
])("%s is refused", (text, part) => {
  expect(problems(text).join("\n")).toContain(part);
});
