import { describe, expect, test } from "bun:test";
import { printRule, type Ruleset } from "@heddle/netlink";
import { networkPlan } from "../network/index.ts";
import { decodeEndpointSlice, decodeService } from "./service.ts";
import { type ServiceWithEndpoints, serviceRuleset } from "./service-ruleset.ts";

const plan = networkPlan(0);

function object(spec: Record<string, unknown>, more: Record<string, unknown> = {}) {
  return { apiVersion: "v1", kind: "Service", metadata: { name: "web", namespace: "shop" }, spec, ...more };
}

function endpoints(...list: readonly { ip: string; ready?: boolean; serving?: boolean }[]) {
  const slice = decodeEndpointSlice({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "web-x", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    endpoints: list.map(({ ip, ready = true, serving = ready }) => ({
      addresses: [ip],
      conditions: { ready, serving },
    })),
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
  });
  return slice === undefined ? [] : [slice];
}

const spec = { type: "ClusterIP", clusterIP: "10.140.1.1", ports: [{ name: "http", port: 80, protocol: "TCP" }] };

function rulesOf(ruleset: Ruleset, chain: string): string[] {
  const found = ruleset.tables[0]?.chains.find(({ name }) => name === chain);
  return (found?.rules ?? []).map((rule) => printRule(rule));
}
function keysOf(ruleset: Ruleset, map: string): string[] {
  const found = ruleset.tables[0]?.maps?.find(({ name }) => name === map);
  return (found?.elements ?? []).map(({ key }) => key.join(" "));
}
function build(...services: readonly ServiceWithEndpoints[]): Ruleset {
  return serviceRuleset(plan, services);
}

describe("rules of a Service", () => {
  test("each endpoint gets its share, the last what is left", () => {
    const ruleset = build({
      service: decodeService(object(spec)),
      slices: endpoints({ ip: "10.40.0.2" }, { ip: "10.40.0.3" }, { ip: "10.40.0.4" }),
    });
    const chain = "service-shop/web/tcp/80";
    expect(keysOf(ruleset, "services")).toEqual(["10.140.1.1 tcp 80"]);
    expect(rulesOf(ruleset, chain)).toEqual([
      `numgen random mod 3 0 goto ${chain}/10.40.0.2/8080`,
      `numgen random mod 2 0 goto ${chain}/10.40.0.3/8080`,
      `goto ${chain}/10.40.0.4/8080`,
    ]);
    expect(rulesOf(ruleset, `${chain}/10.40.0.2/8080`)).toEqual([
      "ip saddr 10.40.0.2 meta mark set meta mark | 0x4000",
      "dnat to 10.40.0.2:8080",
    ]);
  });

  test("affinity goes by the sender's address", () => {
    const service = decodeService(object({ ...spec, sessionAffinity: "ClientIP" }));
    const ruleset = build({ service, slices: endpoints({ ip: "10.40.0.2" }, { ip: "10.40.0.3" }) });
    expect(rulesOf(ruleset, "service-shop/web/tcp/80")[0]).toStartWith("jhash ip saddr mod 2 seed 0x1 0 goto");
  });

  test("without endpoints its addresses are refused", () => {
    const ruleset = build({ service: decodeService(object(spec)), slices: [] });
    expect(keysOf(ruleset, "services")).toEqual([]);
    expect(keysOf(ruleset, "services-without-endpoints")).toEqual(["10.140.1.1 tcp 80"]);
  });

  test("endpoints that still serve stand in when none is ready", () => {
    const slices = endpoints(
      { ip: "10.40.0.2", ready: false, serving: true },
      { ip: "10.40.0.3", ready: false, serving: false },
    );
    expect(rulesOf(build({ service: decodeService(object(spec)), slices }), "service-shop/web/tcp/80")).toHaveLength(1);
  });

  test("node ports, external and load balancer addresses lead there too; DNS does not", () => {
    const ports = [{ name: "http", port: 80, nodePort: 30080, protocol: "TCP" }];
    const status = { loadBalancer: { ingress: [{ ip: plan.nodeIp }] } };
    const service = decodeService(
      object({ ...spec, type: "LoadBalancer", externalIPs: ["192.0.2.1"], ports }, { status }),
    );
    const slices = endpoints({ ip: "10.40.0.2" });
    expect(keysOf(build({ service, slices }), "services")).toEqual([
      "10.140.1.1 tcp 80",
      "192.0.2.1 tcp 80",
      "10.40.255.1 tcp 80",
      "10.40.255.1 tcp 30080",
    ]);
    const dns = decodeService(object({ ...spec, clusterIP: plan.dnsServiceIp }));
    expect(keysOf(build({ service: dns, slices }), "services")).toEqual([]);
  });

  test("headless and ExternalName Services need no rules", () => {
    const headless = decodeService(object({ ...spec, clusterIP: "None" }));
    const external = decodeService(object({ type: "ExternalName", externalName: "x" }));
    const ruleset = build(
      { service: headless, slices: endpoints({ ip: "10.40.0.2" }) },
      { service: external, slices: [] },
    );
    expect(keysOf(ruleset, "services")).toEqual([]);
    expect(keysOf(ruleset, "services-without-endpoints")).toEqual([]);
  });

  test("one address and port claimed twice stays with the first", () => {
    const slices = endpoints({ ip: "10.40.0.2" });
    const one = decodeService(object({ ...spec, externalIPs: ["192.0.2.1"] }));
    const two = { ...one, name: "other", clusterIps: ["10.140.1.2"] };
    expect(keysOf(build({ service: one, slices }, { service: two, slices }), "services")).toEqual([
      "10.140.1.1 tcp 80",
      "192.0.2.1 tcp 80",
      "10.140.1.2 tcp 80",
    ]);
  });
});
