import { expect, test } from "bun:test";
import { defaultMeshConfig } from "@heddle/config";
import { applyEvents, emptyMesh, type MeshState, type ProxyNode, readProxyNode } from "@heddle/model";
import { mockObjects } from "@heddle/sources";
import { typeUrls } from "@heddle/xds-api";
import { createProxySnapshots } from "./proxy-snapshots.ts";

const events = mockObjects().map((object) => ({ kind: "upsert", object }) as const);
const world = "outbound|80||world.default.svc.cluster.local";
const hello = "outbound|80||hello.default.svc.cluster.local";

function nodeOf(ip: string, pod: string, app: string): ProxyNode {
  const read = readProxyNode(`sidecar~${ip}~${pod}.default~default.svc.cluster.local`, {
    LABELS: { app, version: "v1" },
    SERVICE_ACCOUNT: "default",
  });
  if (!read.ok) throw new Error("bad node");
  return read.value;
}

function setup() {
  const snapshots = createProxySnapshots();
  let state: MeshState = emptyMesh({ mesh: defaultMeshConfig() });
  const apply = (batch: Parameters<typeof applyEvents>[1]): void => {
    const applied = applyEvents(state, batch);
    state = applied.state;
    snapshots.update(applied);
  };
  apply(events);
  return { snapshots, apply };
}

test("proxies with equal views share sets and bytes; others do not", () => {
  const { snapshots } = setup();
  const one = snapshots.snapshotFor(nodeOf("10.2.0.1", "hello-1", "hello"));
  const replica = snapshots.snapshotFor(nodeOf("10.9.0.1", "hello-2", "hello"));
  const other = snapshots.snapshotFor(nodeOf("10.2.0.2", "world-1", "world"));
  for (const type of [typeUrls.cluster, typeUrls.listener, typeUrls.route]) {
    expect(replica.snapshot.set(type)).toBe(one.snapshot.set(type));
  }
  expect(other.snapshot.set(typeUrls.listener)).not.toBe(one.snapshot.set(typeUrls.listener));
  expect(other.snapshot.set(typeUrls.cluster)?.get(world)).toBe(one.snapshot.set(typeUrls.cluster)?.get(world));
});

test("a changed endpoint changes its cluster's endpoints only", () => {
  const { snapshots, apply } = setup();
  const node = nodeOf("10.2.0.1", "hello-1", "hello");
  const before = snapshots.snapshotFor(node);
  const endpointsBefore = before.snapshot.set(typeUrls.endpoint);
  const versions = [world, hello].map((name) => endpointsBefore?.get(name)?.version);
  const slice = mockObjects().find((object) => object.kind === "EndpointSlice" && object.metadata.name === "world-1");
  if (slice === undefined) throw new Error("no slice");
  apply([
    { kind: "upsert", object: { ...slice, endpoints: [{ addresses: ["10.2.0.77"], conditions: { ready: true } }] } },
  ]);
  const after = snapshots.snapshotFor(node, before);
  for (const type of [typeUrls.cluster, typeUrls.listener, typeUrls.route])
    expect(after.snapshot.set(type)).toBe(before.snapshot.set(type));
  const endpoints = after.snapshot.set(typeUrls.endpoint);
  if (endpointsBefore === undefined) throw new Error("no endpoints");
  expect([...(endpoints?.changedSince?.(endpointsBefore) ?? [])]).toEqual([world]);
  expect(endpoints?.get(world)?.version).not.toBe(versions[0]);
  expect(endpoints?.get(hello)?.version).toBe(versions[1]);
  // The old set still answers with what it was.
  expect(endpointsBefore.get(world)?.version).toBe(versions[0]);
});

test("a new service leaves the versions of all other clusters as they are", () => {
  const { snapshots, apply } = setup();
  const node = nodeOf("10.2.0.1", "hello-1", "hello");
  const before = snapshots.snapshotFor(node);
  apply([
    {
      kind: "upsert",
      object: {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "new", namespace: "default" },
        spec: { clusterIP: "10.1.0.9", ports: [{ name: "http", port: 80 }] },
      },
    },
  ]);
  const after = snapshots.snapshotFor(node, before);
  const [old, now] = [before.snapshot.set(typeUrls.cluster), after.snapshot.set(typeUrls.cluster)];
  expect(now?.get("outbound|80||new.default.svc.cluster.local")).toBeDefined();
  for (const name of old?.names() ?? []) expect(now?.get(name)?.version).toBe(old?.get(name)?.version ?? "none");
  const [endpointsOld, endpointsNow] = [before.snapshot.set(typeUrls.endpoint), after.snapshot.set(typeUrls.endpoint)];
  if (endpointsOld === undefined) throw new Error("no endpoints");
  expect(endpointsNow?.changedSince?.(endpointsOld)).toBeUndefined();
});

test("what no proxy uses is forgotten", () => {
  const { snapshots } = setup();
  const one = snapshots.snapshotFor(nodeOf("10.2.0.1", "hello-1", "hello"));
  snapshots.snapshotFor(nodeOf("10.2.0.2", "world-1", "world"));
  expect(snapshots.stats.kept).toBe(2);
  snapshots.sweep(new Set([one.hash]));
  expect(snapshots.stats.kept).toBe(1);
});

test("a subset's endpoints follow its labels", () => {
  const { snapshots, apply } = setup();
  const subset = (version: string) =>
    ({
      kind: "upsert",
      object: {
        apiVersion: "networking.istio.io/v1",
        kind: "DestinationRule",
        metadata: { name: "world", namespace: "default" },
        spec: { host: "world", subsets: [{ name: "s", labels: { version } }] },
      },
    }) as const;
  const cluster = "outbound|80|s|world.default.svc.cluster.local";
  const node = nodeOf("10.2.0.1", "hello-1", "hello");
  apply([subset("none-has-it")]);
  const before = snapshots.snapshotFor(node).snapshot.set(typeUrls.endpoint);
  const empty = before?.get(cluster)?.version;
  apply([subset("v1")]);
  const after = snapshots.snapshotFor(node).snapshot.set(typeUrls.endpoint);
  expect(after?.get(cluster)?.version).not.toBe(empty);
  // Nothing says which clusters changed: all are compared.
  expect(before === undefined ? [] : after?.changedSince?.(before)).toBeUndefined();
});

test("a changed route leaves endpoints alone, and is compared once for all that see it", () => {
  const { snapshots, apply } = setup();
  const node = nodeOf("10.2.0.1", "hello-1", "hello");
  const before = snapshots.snapshotFor(node).snapshot;
  const object = {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "world", namespace: "default" },
    spec: { hosts: ["world"], http: [{ timeout: "2s", route: [{ destination: { host: "world" } }] }] },
  };
  apply([{ kind: "upsert", object }]);
  const after = snapshots.snapshotFor(node).snapshot;
  const changed = (type: string): unknown => {
    const [then, now] = [before.set(type), after.set(type)];
    return then === undefined ? undefined : now?.changedSince?.(then);
  };
  expect(changed(typeUrls.endpoint)).toEqual([]);
  expect(changed(typeUrls.cluster)).toEqual([]);
  expect(changed(typeUrls.route)).toEqual(["80"]);
  expect(changed(typeUrls.route)).toBe(changed(typeUrls.route));
});
