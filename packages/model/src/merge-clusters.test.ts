import { describe, expect, test } from "bun:test";
import { asKubeObject, defaultMeshConfig, type MeshConfig, parseMeshNetworks } from "@heddle/config";
import { applyEvents } from "./apply.ts";
import { encodeEndpointRequest } from "./endpoint-request.ts";
import { createClusterMerge } from "./merge-clusters.ts";
import { type ClientOrigin, networkGateways } from "./networks.ts";
import { emptyMesh, type MeshState } from "./state.ts";
import { endpointsFor } from "./views.ts";

interface Pod {
  readonly ip: string;
  readonly meshed?: boolean;
  readonly zone?: string;
}

const labels = { app: "web" };

/** A cluster with Service `web` in namespace `shop`, and a gateway at `gateway`. */
function cluster(id: string, network: string, pods: readonly Pod[], gateway?: string, mesh?: MeshConfig): MeshState {
  const objects: unknown[] = [
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "istio-system", labels: network === "" ? {} : { "topology.istio.io/network": network } },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace: "shop" },
      spec: {
        clusterIP: `10.0.0.${id.length}`,
        selector: labels,
        ports: [{ name: "http", port: 80, targetPort: 8080 }],
      },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "web-1", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
      addressType: "IPv4",
      ports: [{ name: "http", port: 8080 }],
      endpoints: pods.map(({ ip }, i) => ({
        addresses: [ip],
        conditions: { ready: true },
        targetRef: { kind: "Pod", name: `web-${i}` },
      })),
    },
    ...pods.map(({ ip, meshed = true, zone }, i) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: `web-${i}`,
        namespace: "shop",
        labels: {
          ...labels,
          ...(meshed ? { "security.istio.io/tlsMode": "istio" } : {}),
          ...(zone === undefined ? {} : { "istio-locality": zone }),
        },
      },
      spec: { serviceAccountName: `web-of-${id}`, containers: [] },
      status: { phase: "Running", podIP: ip },
    })),
  ];
  if (gateway !== undefined)
    objects.push({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "ew", namespace: "istio-system", labels: { "topology.istio.io/network": network } },
      spec: { type: "LoadBalancer", ports: [{ name: "tls", port: 15443 }] },
      status: { loadBalancer: { ingress: gateway.split(",").map((ip) => ({ ip })) } },
    });
  const events = objects.map((raw) => {
    const object = asKubeObject(raw);
    if (object === undefined) throw new Error("no object");
    return { kind: "upsert", object } as const;
  });
  return applyEvents(emptyMesh({ mesh: mesh ?? defaultMeshConfig(), clusterId: id }), events).state;
}

const NAME = "outbound|80||web.shop.svc.cluster.local";

function seen(state: MeshState, from: ClientOrigin, name = NAME): readonly string[] {
  const found = endpointsFor(state, `${name}|${encodeEndpointRequest({ order: undefined, from })}`);
  return (found?.endpoints ?? []).map(({ address, port, weight }) => `${address}:${port} ${weight ?? 1}`);
}

const here: ClientOrigin = { cluster: "one", network: "n1" };

describe("several clusters as one mesh", () => {
  test("what is on another network is reached by its gateways, which weigh what is behind them", () => {
    const one = cluster("one", "n1", [{ ip: "10.1.0.1" }], "192.0.2.1");
    const two = cluster(
      "two",
      "n2",
      [{ ip: "10.1.0.1" }, { ip: "10.1.0.2" }, { ip: "10.1.0.3", meshed: false }],
      "192.0.2.2",
    );
    const { state, collisions } = createClusterMerge().next(one, [{ clusterId: "two", state: two }]);
    expect(collisions.size).toBe(0);
    expect(seen(state, here)).toEqual(["10.1.0.1:8080 1", "192.0.2.2:15443 2"]);
    expect(seen(state, { cluster: "two", network: "n2" })).toEqual([
      "10.1.0.1:8080 1",
      "10.1.0.2:8080 1",
      "10.1.0.3:8080 1",
      "192.0.2.1:15443 1",
    ]);
    // What a gateway was sent must not go back.
    expect(seen(state, { ...here, own: true })).toEqual(["10.1.0.1:8080 1"]);
    expect(state.services.get("web.shop.svc.cluster.local")?.identities).toEqual([
      "spiffe://cluster.local/ns/shop/sa/web-of-one",
      "spiffe://cluster.local/ns/shop/sa/web-of-two",
    ]);
  });

  test("a cluster of another domain asks gateways by its own names: its domain is known", () => {
    const one = cluster("one", "n1", [{ ip: "10.1.0.1" }]);
    const two = cluster("two", "n2", [{ ip: "10.2.0.1" }], "192.0.2.2");
    const merge = createClusterMerge();
    const unlike = merge.next(one, [{ clusterId: "two", state: two, domain: "west.internal" }]);
    expect(unlike.state.settings.otherDomains).toEqual(["west.internal"]);
    const alike = merge.next(one, [{ clusterId: "two", state: two, domain: "cluster.local" }]);
    expect(alike.views).toBe(true);
    expect(alike.state.settings.otherDomains).toBeUndefined();
  });

  test("MeshNetworks name a gateway's Service: the one of the network's own clusters, in any cluster's domain", () => {
    const [one, two] = [cluster("one", "n1", [], "192.0.2.1"), cluster("two", "n2", [], "192.0.2.2")];
    const gateways = (text: string) => {
      const parsed = parseMeshNetworks(text);
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
      const settings = { ...one.settings, networks: parsed.value.networks };
      return (networkGateways([one, two], settings).get("far") ?? []).map(({ address, port }) => `${address}:${port}`);
    };
    const gateway = "{registryServiceName: ew.istio-system.svc.west.internal, port: 443}";
    expect(gateways(`{networks: {far: {endpoints: [{fromRegistry: two}], gateways: [${gateway}]}}}`)).toEqual([
      "192.0.2.2:443",
    ]);
    expect(gateways(`{networks: {far: {endpoints: [{fromCidr: 10.2.0.0/16}], gateways: [${gateway}]}}}`)).toEqual([
      "192.0.2.1:443",
      "192.0.2.2:443",
    ]);
  });

  test("a gateway that has a name is its addresses; while none is known, nobody dials what is behind it", () => {
    const one = cluster("one", "n1", [{ ip: "10.1.0.1" }]);
    const two = cluster("two", "n2", [{ ip: "10.2.0.1" }], "lb.example");
    const remotes = [{ clusterId: "two", state: two }];
    const merge = createClusterMerge();
    expect(seen(merge.next(one, remotes).state, here)).toEqual(["10.1.0.1:8080 1"]);
    const asked: string[] = [];
    const known = merge.next(one, remotes, (name) => {
      asked.push(name);
      return ["192.0.2.9", "192.0.2.8"];
    });
    expect(asked).toEqual(["lb.example"]);
    expect(known.views).toBe(true);
    expect(seen(known.state, here)).toEqual(["10.1.0.1:8080 2", "192.0.2.8:15443 1", "192.0.2.9:15443 1"]);
  });

  test("two gateways share a network's weight in whole numbers", () => {
    const one = cluster("one", "n1", [{ ip: "10.1.0.1" }]);
    const two = cluster("two", "n2", [{ ip: "10.2.0.1" }], "192.0.2.2,192.0.2.3");
    const { state } = createClusterMerge().next(one, [{ clusterId: "two", state: two }]);
    expect(seen(state, here)).toEqual(["10.1.0.1:8080 2", "192.0.2.2:15443 1", "192.0.2.3:15443 1"]);
  });

  test("on one network pods are called directly; an address of two clusters is refused with a sentence", () => {
    const one = cluster("one", "", [{ ip: "10.1.0.1" }]);
    const two = cluster("two", "", [{ ip: "10.1.0.1" }, { ip: "10.2.0.2" }]);
    const { state, collisions } = createClusterMerge().next(one, [{ clusterId: "two", state: two }]);
    expect(seen(state, { cluster: "one", network: "" })).toEqual(["10.1.0.1:8080 1", "10.2.0.2:8080 1"]);
    expect(collisions.get("two")).toContain(
      "address 10.1.0.1 of pod shop/web-0 in cluster two is that of shop/web-0 in",
    );
    expect(collisions.get("two")).toContain("topology.istio.io/network");
  });

  test("clusterLocal: each cluster keeps its own", () => {
    const mesh: MeshConfig = {
      ...defaultMeshConfig(),
      serviceSettings: [{ settings: { clusterLocal: true }, hosts: ["*.shop.svc.cluster.local"] }],
    };
    const one = cluster("one", "", [{ ip: "10.1.0.1" }], undefined, mesh);
    const two = cluster("two", "", [{ ip: "10.2.0.2" }]);
    const { state } = createClusterMerge().next(one, [{ clusterId: "two", state: two }]);
    expect(seen(state, { cluster: "one", network: "" })).toEqual(["10.1.0.1:8080 1"]);
    expect(seen(state, { cluster: "two", network: "" })).toEqual(["10.2.0.2:8080 1"]);
  });

  test("order: the own cluster first by topology labels, priorities without gaps", () => {
    const one = cluster("one", "n1", [{ ip: "10.1.0.1" }]);
    const two = cluster("two", "n2", [{ ip: "10.2.0.1" }], "192.0.2.2");
    const { state } = createClusterMerge().next(one, [{ clusterId: "two", state: two }]);
    const locality = { region: "", zone: "", subzone: "" };
    const order = { locality, priority: [["topology.istio.io/cluster", "one"]] as const };
    const groups = (from: ClientOrigin) =>
      endpointsFor(state, `${NAME}|${encodeEndpointRequest({ order, from })}`)?.groups?.map(
        ({ priority, endpoints }) => `${priority} ${endpoints.map(({ address }) => address).join()}`,
      );
    expect(groups(here)).toEqual(["0 10.1.0.1", "1 192.0.2.2"]);
    expect(groups({ cluster: "two", network: "n2", own: true })).toEqual(["0 10.2.0.1"]);
  });

  test("a cluster that is given its network later: endpoints without a pod move behind its gateway, too", () => {
    const one = cluster("one", "n1", [{ ip: "10.1.0.1" }], "192.0.2.1");
    const object = (metadata: object, rest: object) => {
      const made = asKubeObject({ apiVersion: "v1", metadata, ...rest });
      if (made === undefined) throw new Error("no object");
      return { kind: "upsert", object: made } as const;
    };
    const before = applyEvents(cluster("two", "", [], "192.0.2.2"), [
      object(
        { name: "ew", namespace: "istio-system", labels: { "topology.istio.io/network": "n2" } },
        {
          kind: "Service",
          spec: { type: "LoadBalancer", ports: [{ name: "tls", port: 15443 }] },
          status: { loadBalancer: { ingress: [{ ip: "192.0.2.2" }] } },
        },
      ),
      object(
        {
          name: "web-2",
          namespace: "shop",
          labels: { "kubernetes.io/service-name": "web", "security.istio.io/tlsMode": "istio" },
        },
        {
          apiVersion: "discovery.k8s.io/v1",
          kind: "EndpointSlice",
          addressType: "IPv4",
          ports: [{ name: "http", port: 8080 }],
          endpoints: [{ addresses: ["10.2.0.9"], conditions: { ready: true } }],
        },
      ),
    ]).state;
    const merge = createClusterMerge();
    const direct = merge.next(one, [{ clusterId: "two", state: before }]);
    expect(seen(direct.state, here)).toEqual(["10.1.0.1:8080 1", "10.2.0.9:8080 1"]);
    const named = object(
      { name: "istio-system", labels: { "topology.istio.io/network": "n2" } },
      { kind: "Namespace" },
    );
    const after = applyEvents(before, [named]).state;
    const { state, endpoints } = merge.next(one, [{ clusterId: "two", state: after }]);
    expect(seen(state, here)).toEqual(["10.1.0.1:8080 1", "192.0.2.2:15443 1"]);
    expect(endpoints).toContain("web.shop.svc.cluster.local");
  });

  test("nothing that did not change is made anew; a cluster that leaves takes its endpoints along", () => {
    const merge = createClusterMerge();
    const one = cluster("one", "n1", [{ ip: "10.1.0.1" }]);
    const two = cluster("two", "n2", [{ ip: "10.2.0.1" }], "192.0.2.2");
    const first = merge.next(one, [{ clusterId: "two", state: two }]);
    const again = merge.next(one, [{ clusterId: "two", state: two }]);
    expect(again.state.endpoints).toBe(first.state.endpoints);
    expect(again).toMatchObject({ views: false, endpoints: [] });
    const alone = merge.next(one, []);
    expect(alone.state).toBe(one);
    expect(alone).toMatchObject({ views: true, endpoints: ["web.shop.svc.cluster.local"] });
  });
});
