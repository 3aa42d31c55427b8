import { describe, expect, test } from "bun:test";
import { defaultMeshConfig, type KubeObject } from "@heddle/config";
import { applyEvents, createViews, emptyMesh, type MeshState, readProxyNode, type SourceEvent } from "@heddle/model";
import { translate } from "./translate.ts";

const upsert = (object: unknown): SourceEvent => ({ kind: "upsert", object: object as KubeObject });
const apply = (state: MeshState, ...objects: unknown[]) => applyEvents(state, objects.map(upsert)).state;

const base = apply(
  emptyMesh({ mesh: defaultMeshConfig() }),
  { apiVersion: "v1", kind: "Pod", metadata: { name: "p", namespace: "a" }, status: { podIP: "10.0.0.1" } },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "a" },
    spec: { clusterIP: "10.1.0.1", selector: { app: "web" }, ports: [{ name: "http", port: 80 }] },
  },
);

function virtualService(name: string, spec: object, more: object = {}) {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name, namespace: "a", ...more },
    spec,
  };
}
const to = (host: string) => [{ destination: { host } }];

function routesOf(state: MeshState) {
  const node = readProxyNode("sidecar~10.0.0.1~p.a~a.svc.cluster.local", {});
  if (!node.ok) throw new Error("node");
  const { routes } = translate(createViews().viewFor(state, node.value));
  const host = routes.find((one) => one.name === "80")?.virtualHosts.find((one) => one.name.startsWith("web."));
  return host?.routes ?? [];
}

describe("hostile and broken configuration", () => {
  test("delegates that name each other, themselves or nothing end, and route nothing", () => {
    const state = apply(
      base,
      virtualService("root", {
        hosts: ["web"],
        http: [
          { match: [{ uri: { prefix: "/a" } }], delegate: { name: "one" } },
          { match: [{ uri: { prefix: "/b" } }], delegate: { name: "root" } },
          { match: [{ uri: { prefix: "/c" } }], delegate: { name: "missing" } },
          { route: to("web") },
        ],
      }),
      virtualService("one", { http: [{ delegate: { name: "two" } }] }),
      virtualService("two", { http: [{ delegate: { name: "one" } }] }),
    );
    expect(routesOf(state).length).toBe(1);
  });

  test("an invalid change leaves the last valid version in force and says why", () => {
    const good = apply(base, virtualService("web", { hosts: ["web"], http: [{ timeout: "7s", route: to("web") }] }));
    const before = routesOf(good);
    for (const spec of [
      { hosts: ["web"], http: [{ route: [{ destination: { host: "web" }, weight: -1 }] }] },
      { hosts: ["web"], http: [{ match: [{ uri: { regex: "(" } }], route: to("web") }] },
      { hosts: ["web"], http: [{ match: [{ uri: { regex: "(?=x)" } }], route: to("web") }] },
      { hosts: ["../../etc"], http: [{ route: to("web") }] },
      { hosts: ["web"], http: [{ route: to("web"), unknownField: 1 }] },
      "not an object",
    ]) {
      const bad = apply(good, virtualService("web", spec as object));
      expect(bad.problems.size).toBe(1);
      expect(routesOf(bad)).toEqual(before);
    }
  });

  test("of two rules for one host the older one counts, whatever comes first", () => {
    const older = virtualService(
      "b",
      { hosts: ["web"], http: [{ name: "old", route: to("web") }] },
      { creationTimestamp: "2026-01-01T00:00:00Z" },
    );
    const younger = virtualService(
      "a",
      { hosts: ["web"], http: [{ name: "new", route: to("web") }] },
      { creationTimestamp: "2026-01-02T00:00:00Z" },
    );
    for (const order of [
      [older, younger],
      [younger, older],
    ])
      expect(routesOf(apply(base, ...order)).map((route) => route.name)).toEqual(["old"]);
  });

  test("ten thousand routes, a megabyte of them, go through", () => {
    const http = Array.from({ length: 10_000 }, (_, i) => ({
      match: [{ uri: { prefix: `/${i}/${"x".repeat(60)}` } }],
      route: to("web"),
    }));
    const state = apply(base, virtualService("web", { hosts: ["web"], http }));
    expect(state.problems.size).toBe(0);
    expect(routesOf(state).length).toBe(10_000);
  }, 20_000);

  test("an expression that would backtrack for ever is only carried, never run here", () => {
    const regex = "(a+)+$";
    const state = apply(
      base,
      virtualService("web", { hosts: ["web"], http: [{ match: [{ uri: { regex } }], route: to("web") }] }),
    );
    expect(routesOf(state)[0]?.match?.pathSpecifier).toMatchObject({ case: "safeRegex", value: { regex } });
  });
});
