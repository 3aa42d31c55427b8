import { describe, expect, test } from "bun:test";
import { type KubeObject, type Link, linkDefinition, readEndpointSlice, readPod, readResource } from "@heddle/config";
import { recordOf } from "@heddle/std";
import { mirrorChanges } from "./changes.ts";
import type { LinkedCluster, MirrorInput, MirrorObject } from "./mirror-input.ts";
import { planMirrors } from "./plan-mirrors.ts";

const matching = (key: string, value: string) => ({ matchLabels: { [`mirror.linkerd.io/${key}`]: value } });

function link(spec: object = {}, name = "west"): Link {
  const read = readResource(linkDefinition, {
    apiVersion: "multicluster.linkerd.io/v1alpha3",
    kind: "Link",
    metadata: { name, namespace: "linkerd-multicluster" },
    spec: {
      targetClusterName: name,
      clusterCredentialsSecret: `cluster-credentials-${name}`,
      gatewayAddress: "198.18.1.1",
      gatewayIdentity: "gateway.id",
      probeSpec: {},
      selector: matching("exported", "true"),
      remoteDiscoverySelector: matching("exported", "remote-discovery"),
      federatedServiceSelector: matching("federated", "member"),
      ...spec,
    },
  });
  if (!read.ok) throw new Error(read.problems.map(({ path, reason }) => `${path} ${reason}`).join());
  return read.value;
}

const service = (name: string, labels: Record<string, string>, rest: object = {}, spec: object = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "shop", labels, resourceVersion: "7", ...rest },
  spec: {
    clusterIP: "10.1.0.9",
    selector: { app: name },
    ports: [{ name: "http", port: 80, targetPort: 8080, nodePort: 31000 }],
    ...spec,
  },
});

const slice = (name: string, pods: Record<string, string>, ready = true) =>
  readEndpointSlice({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-x`, namespace: "shop", labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    endpoints: Object.entries(pods).map(([pod, ip]) => ({
      addresses: [ip],
      hostname: pod,
      conditions: { ready },
      targetRef: { kind: "Pod", name: pod },
    })),
  });

const pod = (name: string, meshed: boolean) =>
  readPod({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "shop", labels: meshed ? { "security.istio.io/tlsMode": "istio" } : {} },
  });

const cluster = (view: Partial<LinkedCluster["view"]>, rest: Partial<LinkedCluster> = {}): LinkedCluster => ({
  link: link(),
  known: true,
  gatewayAlive: true,
  gatewayIps: ["198.18.1.1"],
  view: { services: [], slices: [], pods: new Map(), ...view },
  ...rest,
});

const input = (links: readonly LinkedCluster[], local: readonly KubeObject[] = [], rest = {}): MirrorInput => ({
  links,
  namespace: "linkerd-multicluster",
  headless: false,
  local: { services: local, slices: [], pods: new Map(), namespaces: new Set(["shop"]), ...rest },
});

const named = (objects: readonly MirrorObject[], name: string, kind = "Service") => {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw new Error(`${kind} ${name} is not planned: ${objects.map((o) => o.metadata.name)}`);
  return found;
};

const exported = { app: "web", "mirror.linkerd.io/exported": "true" };
const web = cluster({ services: [service("web", exported)], slices: [slice("web", { a: "10.9.0.1" })] });

describe("through a gateway", () => {
  test("Service, Endpoints and slice as Linkerd marks them", () => {
    const { objects, statuses } = planMirrors(input([web]));
    expect(named(objects, "web-west")).toMatchObject({
      metadata: {
        labels: {
          app: "web",
          "mirror.linkerd.io/mirrored-service": "true",
          "mirror.linkerd.io/cluster-name": "west",
        },
        annotations: {
          "mirror.linkerd.io/remote-svc-fq-name": "web.shop.svc.cluster.local",
          "mirror.linkerd.io/remote-resource-version": "7",
        },
      },
      spec: { ports: [{ name: "http", port: 80, targetPort: 8080, protocol: "TCP" }] },
    });
    expect(JSON.stringify(named(objects, "web-west"))).not.toContain("exported");
    expect(JSON.stringify(named(objects, "web-west"))).not.toContain("31000");
    expect(named(objects, "web-west", "Endpoints")).toMatchObject({
      metadata: {
        annotations: {
          "mirror.linkerd.io/remote-svc-fq-name": "web.shop.svc.cluster.local",
          "mirror.linkerd.io/remote-gateway-identity": "gateway.id",
        },
      },
      subsets: [{ addresses: [{ ip: "198.18.1.1" }], ports: [{ name: "http", port: 4143, protocol: "TCP" }] }],
    });
    expect(named(objects, "web-west-gateway", "EndpointSlice").metadata.labels["security.istio.io/tlsMode"]).toBe(
      "istio",
    );
    expect(named(objects, "probe-gateway-west").metadata.namespace).toBe("linkerd-multicluster");
    expect(statuses).toMatchObject([{ link: "west", name: "web", mirrored: true, reason: "Mirrored" }]);
  });

  test("a dead gateway's addresses stay, not ready; without endpoints there are none", () => {
    const dead = planMirrors(input([{ ...web, gatewayAlive: false }])).objects;
    expect(named(dead, "web-west", "Endpoints")).toMatchObject({
      subsets: [{ notReadyAddresses: [{ ip: "198.18.1.1" }] }],
    });
    expect(named(dead, "web-west-gateway", "EndpointSlice")).toMatchObject({
      endpoints: [{ conditions: { ready: false } }],
    });
    const view = { ...web.view, slices: [slice("web", { a: "10.9.0.1" }, false)] };
    const empty = planMirrors(input([{ ...web, view }])).objects;
    expect(named(empty, "web-west", "Endpoints")).toMatchObject({ subsets: [] });
  });

  test("what is a mirror itself, or not exported, or taken, or nameless is not mirrored, and the status says why", () => {
    const services = [
      service("loop", { ...exported, "mirror.linkerd.io/mirrored-service": "true" }),
      service("private", {}),
      service("taken", exported),
      service("x".repeat(60), exported),
      service("outside", exported, {}, { type: "ExternalName", externalName: "example.org" }),
      service("elsewhere", exported, { namespace: "nowhere" }),
    ];
    const { objects, statuses } = planMirrors(input([cluster({ services })], [service("taken-west", {})]));
    expect(objects.filter(({ kind }) => kind === "Service").map(({ metadata }) => metadata.name)).toEqual([
      "probe-gateway-west",
    ]);
    expect(statuses.map(({ name, reason }) => [name.slice(0, 9), reason])).toEqual([
      ["taken", "NameConflict"],
      ["xxxxxxxxx", "InvalidService"],
      ["outside", "InvalidService"],
      ["elsewhere", "MissingNamespace"],
    ]);
  });

  test("excluded labels and annotations, what one cluster knows of itself, and kubectl's notes stay behind", () => {
    const annotations = {
      "a.example/x": "1",
      keep: "2",
      "service.kubernetes.io/topology-mode": "Auto",
      "kubectl.kubernetes.io/last-applied-configuration": "{}",
    };
    const from = cluster(
      { services: [service("web", { ...exported, team: "x" }, { annotations })] },
      { link: link({ excludedAnnotations: ["a.example/*"], excludedLabels: ["team"] }) },
    );
    const { metadata } = named(planMirrors(input([from])).objects, "web-west");
    expect(Object.keys(metadata.annotations).filter((key) => !key.startsWith("mirror."))).toEqual(["keep"]);
    expect(metadata.labels["team"]).toBeUndefined();
  });

  test("headless: one mirror for each named pod, which the headless one names as soon as they have addresses", () => {
    const db = service("db", exported, {}, { clusterIP: "None" });
    const from = cluster({ services: [db], slices: [slice("db", { "db-0": "10.9.0.1", "db-1": "10.9.0.2" })] });
    const first = planMirrors({ ...input([from]), headless: true }).objects;
    expect(named(first, "db-0-west").metadata).toMatchObject({
      labels: { "mirror.linkerd.io/headless-mirror-svc-name": "db-west" },
      annotations: { "mirror.linkerd.io/remote-svc-fq-name": "db-0.db.shop.svc.cluster.local" },
    });
    expect(named(first, "db-west")).toMatchObject({ spec: { clusterIP: "None" } });
    const there = service("db-0-west", { "mirror.linkerd.io/mirrored-service": "true" });
    const second = planMirrors({ ...input([from], [there]), headless: true }).objects;
    expect(named(second, "db-west", "Endpoints")).toMatchObject({
      subsets: [{ addresses: [{ ip: "10.1.0.9", hostname: "db-0" }] }],
    });
    // Without being asked for, it is mirrored as one with an address.
    expect(named(planMirrors(input([from])).objects, "db-west")["spec"]).not.toHaveProperty("clusterIP");
  });
});

describe("on one network", () => {
  const pods = new Map([
    ["shop/a", pod("a", true)],
    ["shop/b", pod("b", false)],
  ]);
  const slices = [slice("web", { a: "10.9.0.1", b: "10.9.0.2" })];

  test("remote discovery: pods as endpoints, those with a sidecar apart", () => {
    const services = [service("web", { "mirror.linkerd.io/exported": "remote-discovery" })];
    const { objects } = planMirrors(input([cluster({ services, slices, pods })]));
    expect(named(objects, "web-west").metadata.labels).toMatchObject({
      "multicluster.linkerd.io/remote-discovery": "west",
      "multicluster.linkerd.io/remote-service": "web",
    });
    const found = objects
      .filter(({ kind, metadata }) => kind === "EndpointSlice" && metadata.name.startsWith("web-west"))
      .map((one) => [
        one.metadata.labels["security.istio.io/tlsMode"],
        JSON.stringify(one["endpoints"]).match(/10[.\d]+/g),
      ]);
    expect(found).toEqual([
      ["istio", ["10.9.0.1"]],
      [undefined, ["10.9.0.2"]],
    ]);
  });

  test("federated: one Service over all clusters; one that can't be asked keeps its part", () => {
    const member = { "mirror.linkerd.io/federated": "member" };
    const west = cluster({ services: [service("web", member)], slices, pods });
    const north = cluster({}, { link: link({}, "north"), known: false });
    const before = service(
      "web-federated",
      { "mirror.linkerd.io/mirrored-service": "true" },
      { annotations: { "multicluster.linkerd.io/remote-discovery": "web@gone,web@north" } },
    );
    const local = { slices: [slice("web", { c: "10.8.0.1" })] };
    const { objects } = planMirrors(input([west, north], [service("web", member), before], local));
    expect(named(objects, "web-federated").metadata.annotations).toEqual({
      "multicluster.linkerd.io/remote-discovery": "web@north,web@west",
      "multicluster.linkerd.io/local-discovery": "web",
    });
    const addresses = objects
      .filter(({ kind, metadata }) => kind === "EndpointSlice" && metadata.name.startsWith("web-federated"))
      .flatMap((one) => JSON.stringify(one["endpoints"]).match(/10[.\d]+/g) ?? []);
    expect(addresses.sort()).toEqual(["10.8.0.1", "10.9.0.1", "10.9.0.2"]);
  });
});

describe("changes", () => {
  const { objects } = planMirrors(input([web]));
  /** As the API server gives it back: fields added, lists in another order. */
  const stored = objects.map((object) => ({ ...structuredClone(object), status: {} })) as readonly KubeObject[];

  test("what is there already is not written again; what differs is", () => {
    expect(mirrorChanges({ objects, statuses: [] }, stored, [web])).toEqual({ apply: [], remove: [] });
    const [first, ...rest] = stored;
    if (first === undefined) throw new Error("nothing is planned");
    const foreign = { ...first, metadata: { ...first.metadata, labels: { ...exported } } };
    expect(mirrorChanges({ objects, statuses: [] }, [foreign, ...rest], [web]).apply).toHaveLength(1);
  });

  test("a mirror that is to be headless, or no longer, is replaced: its Service can't change", () => {
    const headless = stored.map((object) =>
      object.kind === "Service" ? { ...object, spec: { ...recordOf(object["spec"]), clusterIP: "None" } } : object,
    );
    const { apply, remove } = mirrorChanges({ objects, statuses: [] }, headless, [web]);
    const services = objects.filter(({ kind }) => kind === "Service").map(({ metadata }) => metadata.name);
    expect(apply.filter(({ kind }) => kind === "Service")).toEqual([]);
    expect(remove.map(({ metadata }) => metadata.name)).toEqual(services);
    const own = { ...service("web-west", {}), spec: { clusterIP: "None" } };
    expect(mirrorChanges({ objects: [], statuses: [] }, [own], [web]).remove).toEqual([]);
  });

  test("a cluster that is linked no longer loses its mirrors, and nothing else goes", () => {
    const { remove } = mirrorChanges({ objects: [], statuses: [] }, [...stored, service("own", {})], []);
    expect(remove.map(({ kind }) => kind)).toEqual([
      "EndpointSlice",
      "EndpointSlice",
      "Endpoints",
      "Endpoints",
      "Service",
      "Service",
    ]);
  });

  test("a cluster that has not answered yet keeps all of its mirrors", () => {
    const away = { ...web, known: false };
    const plan = planMirrors(input([away]));
    expect(mirrorChanges(plan, stored, [away])).toEqual({ apply: [], remove: [] });
  });
});
