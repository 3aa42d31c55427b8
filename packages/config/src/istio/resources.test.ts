import { describe, expect, test } from "bun:test";
import { parse } from "yaml";
import type { KubeObject } from "../kube/object.ts";
import { parseResource } from "../resources.ts";

/** The outcome of reading `kind` with the given spec, as short text. */
function outcome(
  kind: string,
  spec: string,
  apiVersion = kind === "PeerAuthentication" ? "security.istio.io/v1" : "networking.istio.io/v1",
): string {
  const object = { apiVersion, kind, metadata: { name: "x", namespace: "ns" }, spec: parse(spec) } as KubeObject;
  const read = parseResource(object);
  const problems = read.ok ? read.warnings : read.problems;
  return problems
    .map((problem) => `${problem.severity === "warning" ? "warning " : ""}${problem.path}: ${problem.reason}`)
    .join("\n");
}

const to = "[{destination: {host: a}}]";

describe("parseResource", () => {
  test.each([
    ["VirtualService", `{hosts: [a], http: [{route: ${to}}]}`],
    ["VirtualService", "{http: [{route: [{destination: {host: delegate-only}}]}]}"],
    ["DestinationRule", "{host: a.b.svc.cluster.local, subsets: [{name: v1, labels: {v: '1'}}]}"],
    ["ServiceEntry", "{hosts: [a.com], ports: [{number: 443, name: tls, protocol: TLS}], resolution: DNS}"],
    ["Sidecar", "{egress: [{hosts: ['./*', 'istio-system/*']}]}"],
    ["WorkloadEntry", "{address: 10.0.0.1, labels: {app: a}}"],
    ["PeerAuthentication", "{mtls: {mode: STRICT}}"],
  ])("accepts %s %s", (kind, spec) => {
    expect(outcome(kind, spec)).toBe("");
  });

  test.each([
    ["VirtualService", "{hosts: [a]}", "spec: needs at least one of http, tls, tcp"],
    ["VirtualService", "{hosts: [a], http: [{}]}", "needs one of route, redirect, directResponse, delegate"],
    ["VirtualService", `{hosts: [a], http: [{route: ${to}, redirect: {uri: /x}}]}`, "only one of route, redirect"],
    [
      "VirtualService",
      "{hosts: [a], http: [{route: [{destination: {host: a}, weight: 0}, {destination: {host: b}}]}]}",
      "can't all be zero",
    ],
    ["VirtualService", `{hosts: [a], http: [{match: [{uri: {regex: "(?=x)"}}], route: ${to}}]}`, "look-around"],
    [
      "VirtualService",
      `{hosts: [a], http: [{match: [{uri: {regex: "["}}], route: ${to}}]}`,
      "is not a regular expression",
    ],
    [
      "VirtualService",
      `{hosts: [a], http: [{match: [{uri: {exact: /, prefix: /}}], route: ${to}}]}`,
      "only one of exact, prefix, regex",
    ],
    ["VirtualService", `{hosts: ["bad host"], http: [{route: ${to}}]}`, "is not a host"],
    [
      "VirtualService",
      `{hosts: [a], http: [{fault: {abort: {}}, route: ${to}}]}`,
      "one of httpStatus, grpcStatus, http2Error is required",
    ],
    [
      "VirtualService",
      `{hosts: [a], http: [{route: ${to}}, {route: ${to}}]}`,
      "warning spec.http[0]: matches everything",
    ],
    ["DestinationRule", "{host: a, subsets: [{name: v1}, {name: v1}]}", "v1 is there twice"],
    ["DestinationRule", "{host: a, trafficPolicy: {tls: {mode: MUTUAL}}}", "MUTUAL needs credentialName"],
    [
      "DestinationRule",
      "{host: a, trafficPolicy: {loadBalancer: {simple: RANDOM, consistentHash: {useSourceIp: true}}}}",
      "only one of simple, consistentHash",
    ],
    [
      "DestinationRule",
      "{host: a, trafficPolicy: {outlierDetection: {consecutiveErrors: 3}}}",
      "warning spec.trafficPolicy.outlierDetection.consecutiveErrors: use consecutive5xxErrors",
    ],
    ["ServiceEntry", "{hosts: ['*'], ports: []}", "would take over all traffic"],
    ["ServiceEntry", "{hosts: [a.b], ports: [{number: 1, name: x}, {number: 1, name: y}]}", "port 1 is there twice"],
    ["ServiceEntry", "{hosts: ['*.a.b'], resolution: DNS}", "a wildcard host can't be resolved"],
    ["Sidecar", "{egress: [{hosts: [a]}]}", "has to be namespace/host"],
    ["PeerAuthentication", "{portLevelMtls: {'80': {mode: STRICT}}}", "needs a selector"],
    [
      "PeerAuthentication",
      "{selector: {matchLabels: {a: b}}, portLevelMtls: {http: {mode: STRICT}}}",
      "has to be a workload port",
    ],
  ])("%s %s: %s", (kind, spec, expected) => {
    expect(outcome(kind, spec)).toContain(expected);
  });

  test("names the served versions of a kind that is asked for in another one", () => {
    expect(outcome("Sidecar", "{}", "networking.istio.io/v2")).toContain("use one of networking.istio.io/v1");
  });

  test("an unknown kind gets the nearest one named", () => {
    expect(outcome("VirtualServices", "{}")).toContain("did you mean VirtualService?");
  });
});
