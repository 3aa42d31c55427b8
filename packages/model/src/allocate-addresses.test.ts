import { describe, expect, test } from "bun:test";
import { defaultMeshConfig, type KubeObject } from "@heddle/config";
import { applyEvents } from "./apply.ts";
import { emptyMesh, type MeshState } from "./state.ts";

interface Entry {
  readonly hosts?: readonly string[];
  readonly addresses?: readonly string[];
  readonly resolution?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly status?: object;
  readonly created?: string;
}

function entry(name: string, more: Entry = {}): KubeObject {
  const { hosts = [`${name}.example.com`], addresses = [], resolution = "DNS", labels = {}, status, created } = more;
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata: { name, namespace: "shop", labels, creationTimestamp: created ?? "2026-01-01T00:00:00Z" },
    spec: { hosts, addresses, resolution, ports: [{ number: 9000, name: "tcp", protocol: "TCP" }] },
    ...(status === undefined ? {} : { status }),
  };
}

function meshOf(...objects: readonly KubeObject[]): MeshState {
  const events = objects.map((object) => ({ kind: "upsert", object }) as const);
  return applyEvents(emptyMesh({ mesh: defaultMeshConfig() }), events).state;
}

const given = (state: MeshState, name: string) =>
  (state.allocation.addresses.get(`shop/${name}`) ?? []).map(({ value }) => value);
const recorded = (host: string, value: string) => ({ addresses: [{ host, value }] });

describe("addresses for hosts that have none", () => {
  test("each host has one of each family, in its range; the same whatever else is there", () => {
    const one = meshOf(entry("a"), entry("far", { hosts: ["a.b.global"] }));
    expect(given(one, "a")[0]).toMatch(/^240\.240\.\d+\.\d+$/);
    expect(given(one, "a")[1]).toMatch(/^2001:2::[0-9a-f]+$/);
    expect(given(one, "far")[0]).toMatch(/^240\.0\.\d+\.\d+$/);
    expect(given(meshOf(entry("z"), entry("a")), "a")).toEqual(given(one, "a"));
    expect(one.services.get("a.example.com")?.autoAddresses).toEqual(given(one, "a"));
  });

  test.each([
    ["addresses of its own", { addresses: ["10.0.0.1"] }],
    ["resolution NONE", { resolution: "NONE" }],
    ["a wildcard host", { hosts: ["*.example.com"], resolution: "NONE" }],
    ["the label", { labels: { "networking.istio.io/enable-autoallocate-ip": "false" } }],
  ])("none with %s", (_what, more) => {
    expect(given(meshOf(entry("a", more)), "a")).toEqual([]);
  });

  test("what is on record stays, unless a user or an older entry claims it", () => {
    const kept = entry("a", { status: recorded("a.example.com", "240.240.1.2") });
    expect(given(meshOf(kept), "a")[0]).toBe("240.240.1.2");
    const moved = meshOf(kept, entry("b", { addresses: ["240.240.1.2"], created: "2026-02-01T00:00:00Z" }));
    expect(given(moved, "a")[0]).not.toBe("240.240.1.2");
    const within = meshOf(kept, entry("b", { addresses: ["240.240.1.0/24"] }));
    expect(given(within, "a")[0]).not.toStartWith("240.240.1.");
    const older = entry("b", { status: recorded("b.example.com", "240.240.1.2"), created: "2025-01-01T00:00:00Z" });
    const both = meshOf(kept, older);
    expect([given(both, "b")[0], given(both, "a")[0] === "240.240.1.2"]).toEqual(["240.240.1.2", false]);
    const foreign = entry("a", { status: recorded("a.example.com", "9.9.9.9") });
    expect(given(meshOf(foreign), "a")[0]).toStartWith("240.240.");
  });

  test("a thousand hosts have a thousand addresses", () => {
    const state = meshOf(...Array.from({ length: 1000 }, (_, i) => entry(`e${i}`)));
    const all = [...state.allocation.addresses.values()].flat().map(({ value }) => value);
    expect(new Set(all).size).toBe(2000);
  });

  test("one address in two entries is a conflict of the younger", () => {
    const state = meshOf(
      entry("a", { addresses: ["240.0.0.2"] }),
      entry("b", { addresses: ["240.0.0.2"], created: "2026-02-01T00:00:00Z" }),
    );
    expect([...state.allocation.conflicts.keys()]).toEqual(["shop/b"]);
    expect(state.allocation.conflicts.get("shop/b")).toContain("belongs to ServiceEntry shop/a");
  });
});

test("a WorkloadEntry that is not healthy serves nobody", () => {
  const serves = entry("db", { resolution: "STATIC" });
  const group = { ...serves, spec: { ...(serves["spec"] as object), workloadSelector: { labels: { app: "db" } } } };
  const workload = (status: string | undefined): KubeObject => ({
    apiVersion: "networking.istio.io/v1",
    kind: "WorkloadEntry",
    metadata: { name: "vm", namespace: "shop", annotations: { "proxy.istio.io/health-checks-enabled": "true" } },
    spec: { address: "10.8.0.1", labels: { app: "db" } },
    ...(status === undefined ? {} : { status: { conditions: [{ type: "Healthy", status }] } }),
  });
  const endpoints = (state: MeshState) => state.endpoints.get("db.example.com")?.ports.get(9000)?.length;
  expect([undefined, "False", "True"].map((status) => endpoints(meshOf(group, workload(status))))).toEqual([0, 0, 1]);
});
