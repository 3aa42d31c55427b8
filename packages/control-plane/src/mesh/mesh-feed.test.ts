import { expect, test } from "bun:test";
import { mockObjects, type SourceEvent } from "@heddle/sources";
import { createLogger, createManualClock, durationMs, type LogRecord } from "@heddle/std";
import { createMeshFeed, type MeshUpdate } from "./mesh-feed.ts";

function setup(sources = 1) {
  const clock = createManualClock();
  const updates: MeshUpdate[] = [];
  const records: LogRecord[] = [];
  const feed = createMeshFeed({
    clock,
    log: createLogger({ clock, sink: (record) => void records.push(record) }),
    domain: "cluster.local",
    clusterId: "c1",
    rootNamespace: "istio-system",
    debounceAfterMs: 100,
    debounceMaxMs: 10_000,
    sources,
    onUpdate: (update) => void updates.push(update),
  });
  return { feed, updates, records, advance: (ms: number) => clock.advance(durationMs(ms)) };
}

const upserts: readonly SourceEvent[] = mockObjects().map((object) => ({ kind: "upsert", object }));
const configMap = (name: string, data: Record<string, string>, namespace = "istio-system"): SourceEvent => ({
  kind: "upsert",
  object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data },
});

test("the first update waits for all sources and holds everything", () => {
  const { feed, updates, advance } = setup(2);
  const [a, b] = [feed.sink("a"), feed.sink("b")];
  for (const event of upserts) a.onEvent(event);
  a.onSynced();
  a.onSynced();
  advance(60_000);
  expect(updates).toEqual([]);
  expect(feed.synced).toBe(false);
  b.onSynced();
  expect(updates).toHaveLength(1);
  expect(updates[0]?.state.services.size).toBe(2);
});

test("an endpoint change comes after the short quiet time and changes no view", () => {
  const { feed, updates, advance } = setup();
  const sink = feed.sink("a");
  for (const event of upserts) sink.onEvent(event);
  sink.onSynced();
  const slice = mockObjects().find((object) => object.kind === "EndpointSlice");
  if (slice === undefined) throw new Error("no slice");
  sink.onEvent({ kind: "upsert", object: { ...slice, endpoints: [] } });
  advance(11);
  expect(updates).toHaveLength(2);
  expect(updates[1]?.change).toEqual({ views: false, endpoints: ["hello.default.svc.cluster.local"] });
});

test("mesh settings come from ConfigMap istio of the root namespace; invalid ones change nothing and are logged", () => {
  const { feed, updates, records, advance } = setup();
  const sink = feed.sink("a");
  sink.onEvent(configMap("istio", { mesh: "trustDomain: one.example\n" }));
  sink.onSynced();
  expect(feed.state.settings.trustDomain).toBe("one.example");
  sink.onEvent(configMap("istio", { mesh: "trustDomain: two.example\n" }, "elsewhere"));
  sink.onEvent(configMap("istio", { mesh: "accessLogEncoding: XML\n" }));
  advance(1000);
  expect(feed.state.settings.trustDomain).toBe("one.example");
  expect(records.map((record) => record.message).join("\n")).toContain("accessLogEncoding");
  sink.onEvent(configMap("istio", { mesh: "trustDomain: two.example\n" }));
  advance(1000);
  expect(feed.state.settings.trustDomain).toBe("two.example");
  expect(updates.at(-1)?.change.views).toBe(true);
});

test("an invalid resource is logged once, with its field", () => {
  const { feed, records, advance } = setup();
  const sink = feed.sink("a");
  sink.onSynced();
  const bad = {
    apiVersion: "security.istio.io/v1",
    kind: "PeerAuthentication",
    metadata: { name: "x", namespace: "a" },
    spec: { mtls: { mode: "NO" } },
  };
  sink.onEvent({ kind: "upsert", object: bad });
  advance(200);
  for (const event of upserts) sink.onEvent(event);
  advance(200);
  expect(records.filter((record) => record.message.includes("spec.mtls.mode"))).toHaveLength(1);
});

test("a namespace is known to the webhook before the next state, because its pods may be created right behind it", () => {
  const { feed, updates } = setup();
  const sink = feed.sink("a");
  sink.onSynced();
  const before = updates.length;
  const namespace = {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "new", labels: { "istio-injection": "enabled" } },
  };
  sink.onEvent({ kind: "upsert", object: namespace });
  expect(updates).toHaveLength(before);
  expect(feed.namespaceOf("new")?.labels).toEqual({ "istio-injection": "enabled" });
  sink.onEvent({ kind: "delete", ref: { group: "", kind: "Namespace", namespace: "", name: "new" } });
  expect(feed.namespaceOf("new")).toBeUndefined();
});
