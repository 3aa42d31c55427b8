import { describe, expect, test } from "bun:test";
import { defaultMeshConfig, type KubeObject, parseMeshConfig } from "@heddle/config";
import { meshWithAccessLog } from "./access-logging.ts";
import { applyEvents } from "./apply.ts";
import { authorizationOf } from "./authorization.ts";
import { discoveredNamespaces } from "./discovery-selectors.ts";
import { effectiveMetrics } from "./metrics.ts";
import { meshWithProxyConfig } from "./proxy-settings.ts";
import { emptyMesh, type MeshState } from "./state.ts";

function mesh(...objects: readonly (readonly [string, string, string, object, object?])[]): MeshState {
  const events = objects.map(([apiVersion, kind, id, spec, annotations]) => {
    const [namespace = "", name = ""] = id.split("/");
    return {
      kind: "upsert" as const,
      object: { apiVersion, kind, metadata: { name, namespace, annotations }, spec } as unknown as KubeObject,
    };
  });
  const { state } = applyEvents(emptyMesh({ mesh: defaultMeshConfig() }), events);
  expect([...state.problems.values()].flat().filter((problem) => problem.severity === "error")).toEqual([]);
  return state;
}

const web = { app: "web" };
const selector = { matchLabels: web };

test("ProxyConfig: a workload's own wins over its namespace's, that over the mesh's", () => {
  const api = "networking.istio.io/v1beta1";
  const state = mesh(
    [api, "ProxyConfig", "istio-system/all", { concurrency: 1 }],
    [api, "ProxyConfig", "shop/all", { concurrency: 2 }],
    [api, "ProxyConfig", "shop/web", { selector, concurrency: 3, environmentVariables: { A: "b" } }],
  );
  const of = (namespace: string, labels: Record<string, string>) =>
    meshWithProxyConfig(state, namespace, labels).defaultConfig.concurrency;
  expect([of("other", web), of("shop", {}), of("shop", web)]).toEqual([1, 2, 3]);
  expect(meshWithProxyConfig(state, "shop", web).defaultConfig.proxyMetadata).toEqual({ A: "b" });
});

test("Telemetry: the closest one that speaks of the direction counts", () => {
  const api = "telemetry.istio.io/v1";
  const state = mesh(
    [api, "Telemetry", "istio-system/all", { accessLogging: [{ providers: [{ name: "envoy" }] }] }],
    [api, "Telemetry", "shop/web", { selector, accessLogging: [{ match: { mode: "SERVER" }, disabled: true }] }],
  );
  const of = (labels: Record<string, string>, mode: "CLIENT" | "SERVER") =>
    meshWithAccessLog(state, "shop", labels, mode).accessLogFile;
  expect([of(web, "SERVER"), of(web, "CLIENT"), of({}, "SERVER")]).toEqual(["", "/dev/stdout", "/dev/stdout"]);
  expect(meshWithAccessLog(mesh(), "shop", web, "SERVER").accessLogFile).toBe("");
});

test("Telemetry: a target is a Gateway of the namespace, of Istio's or Kubernetes' kind", () => {
  const api = "telemetry.istio.io/v1";
  const server = { port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] };
  const target = (group: string) => ({ group, kind: "Gateway", name: "front" });
  const off = (...groups: string[]) => ({ targetRefs: groups.map(target), accessLogging: [{ disabled: true }] });
  const logged = (labels: Record<string, string>, ...own: readonly (readonly [string, object])[]) =>
    meshWithAccessLog(
      mesh(
        ["networking.istio.io/v1", "Gateway", "shop/front", { selector: { istio: "front" }, servers: [server] }],
        ["networking.istio.io/v1", "Gateway", "other/front", { selector: { app: "web" }, servers: [server] }],
        [api, "Telemetry", "istio-system/all", { accessLogging: [{ providers: [{ name: "envoy" }] }] }],
        ...own.map(([id, spec]) => [api, "Telemetry", id, spec] as const),
      ),
      "shop",
      labels,
      "CLIENT",
    ).accessLogFile !== "";
  const istio = off("networking.istio.io");
  const kubernetes = off("gateway.networking.k8s.io");
  const named = { "gateway.networking.k8s.io/gateway-name": "front" };
  expect(logged({ istio: "front" }, ["shop/t", istio])).toBe(false);
  expect(logged(named, ["shop/t", off("networking.istio.io", "gateway.networking.k8s.io")])).toBe(false);
  expect(logged(named, ["shop/t", kubernetes])).toBe(false);
  // Nobody else's: not by the other kind, not in another namespace, not for all of its own.
  expect(logged({ istio: "front" }, ["shop/t", kubernetes], ["other/t", istio], ["istio-system/t", istio])).toBe(true);
  expect(logged(web, ["shop/t", istio], ["shop/u", kubernetes], ["other/t", istio])).toBe(true);
});

test("Telemetry: several providers at once, levels add and disable, services by their full name", () => {
  const api = "telemetry.istio.io/v1";
  const als = { service: "als.obs", port: 9000 };
  const read = parseMeshConfig(
    JSON.stringify({
      defaultProviders: { accessLogging: ["grpc"] },
      extensionProviders: [
        { name: "grpc", envoyHttpAls: als },
        { name: "lost", envoyTcpAls: { ...als, service: "gone.obs" } },
        { name: "file", envoyFileAccessLog: { path: "/dev/stderr" } },
        { name: "prom", prometheus: {} },
      ],
    }),
  );
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const service = { ports: [{ port: 9000 }], clusterIP: "10.140.1.1" };
  const logsOf = (...entries: readonly (readonly [string, object])[]) => {
    const state = mesh(
      ["v1", "Service", "obs/als", service],
      ...entries.map(([id, spec]) => [api, "Telemetry", id, spec] as const),
    );
    const of = (labels: Record<string, string>, mode: "CLIENT" | "SERVER") => {
      const chosen = meshWithAccessLog(
        { ...state, settings: { ...state.settings, mesh: read.value } },
        "shop",
        labels,
        mode,
      );
      expect(chosen.extensionProviders[0]?.envoyHttpAls?.service).toMatch(/^als[.]obs(?:[.]svc[.]cluster[.]local)?$/);
      return [chosen.accessLogFile, ...(chosen.defaultProviders?.accessLogging ?? [])].join(" ");
    };
    return of;
  };
  const named = (...names: string[]) => ({ providers: names.map((name) => ({ name })) });
  expect(logsOf()(web, "CLIENT")).toBe(" grpc");
  const several = logsOf(
    ["istio-system/all", { accessLogging: [named("envoy", "file", "lost", "prom", "unknown")] }],
    [
      "shop/web",
      {
        selector,
        accessLogging: [
          { match: { mode: "SERVER" }, ...named("grpc", "file") },
          { match: { mode: "SERVER" }, ...named("file"), disabled: true },
          { match: { mode: "CLIENT" }, disabled: true },
        ],
      },
    ],
  );
  expect([several({}, "SERVER"), several(web, "SERVER"), several(web, "CLIENT")]).toEqual(
    ["/dev/stdout envoy file", " grpc", " "].map((text) => text.trimEnd()),
  );
});

test("Telemetry: conditions of access logs, the nearest for a provider counts", () => {
  const api = "telemetry.istio.io/v1";
  const log = (expression: string | undefined) => ({
    accessLogging: [
      { providers: [{ name: "envoy" }], ...(expression === undefined ? {} : { filter: { expression } }) },
    ],
  });
  const filter = (...own: readonly (readonly [string, object])[]) => {
    const all = [["istio-system/all", log("response.code >= 400")] as const, ...own];
    const state = mesh(...all.map(([id, spec]) => [api, "Telemetry", id, spec] as const));
    return meshWithAccessLog(state, "shop", web, "SERVER").accessLogFilters?.["envoy"];
  };
  expect(filter()).toBe("response.code >= 400");
  expect(filter(["shop/own", log("response.code >= 500")])).toBe("response.code >= 500");
  expect(filter(["shop/own", log(undefined)])).toBeUndefined();
  expect(filter(["shop/own", { accessLogging: [{ match: { mode: "SERVER" } }] }])).toBe("response.code >= 400");
});

describe("Telemetry: metrics", () => {
  const api = "telemetry.istio.io/v1";
  const of = (mode: "CLIENT" | "SERVER", ...entries: readonly (readonly [string, object])[]) => {
    const state = mesh(...entries.map(([id, spec]) => [api, "Telemetry", id, spec] as const));
    return effectiveMetrics(state, "shop", web, mode);
  };
  const all = (disabled: boolean, mode?: string) => ({
    metrics: [{ overrides: [{ match: { metric: "ALL_METRICS", ...(mode === undefined ? {} : { mode }) }, disabled }] }],
  });
  const count = (override: object) => ({
    metrics: [{ overrides: [{ match: { metric: "REQUEST_COUNT" }, ...override }] }],
  });

  test("standard without any; all off, and on again from nearer", () => {
    expect(of("CLIENT")).toEqual({ enabled: true, overrides: [], reportingIntervalMs: undefined });
    expect(of("CLIENT", ["istio-system/all", all(true)]).enabled).toBe(false);
    expect(of("SERVER", ["istio-system/all", all(true, "CLIENT")]).enabled).toBe(true);
    const own = ["shop/own", count({ tagOverrides: { a: { value: "'b'" } } })] as const;
    expect(of("CLIENT", ["istio-system/all", all(true)], own)).toMatchObject({
      enabled: true,
      overrides: [{ metric: "requests_total", tags: { a: "'b'" } }],
    });
    expect(of("CLIENT", own, ["shop/web", { selector, ...all(true) }]).enabled).toBe(false);
  });

  test("levels add up, tag by tag; the nearest wins", () => {
    const found = of(
      "SERVER",
      [
        "istio-system/all",
        count({ tagOverrides: { a: { value: "'1'" }, b: { value: "'1'" }, c: { operation: "REMOVE" } } }),
      ],
      ["shop/own", count({ tagOverrides: { b: { operation: "REMOVE" }, c: { value: "'2'" } } })],
      ["shop/web", { selector, ...count({ disabled: true }) }],
    );
    expect(found.overrides).toEqual([
      { metric: "requests_total", drop: true, tags: { a: "'1'", c: "'2'" }, removed: ["b"] },
    ]);
    const client = of("CLIENT", [
      "shop/own",
      { metrics: [{ overrides: [{ match: { mode: "SERVER" }, disabled: true }] }] },
    ]);
    expect(client.overrides).toEqual([]);
  });

  test("the nearest providers count; others make no metrics here", () => {
    const by = (...names: string[]) => ({ metrics: [{ providers: names.map((name) => ({ name })) }] });
    expect(of("CLIENT", ["istio-system/all", by("stackdriver")]).enabled).toBe(false);
    expect(of("CLIENT", ["istio-system/all", by("stackdriver")], ["shop/own", by("prometheus")]).enabled).toBe(true);
    const [entry] = count({ disabled: true }).metrics;
    const far = { metrics: [{ ...entry, ...by("other").metrics[0] }] };
    // What was said of a provider that no longer counts is left out.
    expect(of("CLIENT", ["istio-system/all", far], ["shop/own", by("prometheus")]).overrides).toEqual([]);
  });

  test("a custom metric by its name, an interval from the nearest", () => {
    const found = of(
      "CLIENT",
      ["istio-system/all", { metrics: [{ reportingInterval: "30s" }] }],
      [
        "shop/own",
        { metrics: [{ reportingInterval: "10s", overrides: [{ match: { customMetric: "mine" }, disabled: true }] }] },
      ],
    );
    expect(found).toMatchObject({ reportingIntervalMs: 10_000, overrides: [{ metric: "mine", drop: true }] });
  });
});

test("MeshConfig.discoverySelectors hide namespaces, except the root namespace", () => {
  const state = applyEvents(
    emptyMesh({
      mesh: {
        ...defaultMeshConfig(),
        discoverySelectors: [
          { matchLabels: {}, matchExpressions: [{ key: "env", operator: "In", values: ["prod"] }] },
          { matchLabels: { "kubernetes.io/metadata.name": "named" }, matchExpressions: [] },
        ],
      },
    }),
    Object.entries({ a: { env: "prod" }, b: { env: "test" }, c: {} }).map(([name, labels]) => ({
      kind: "upsert" as const,
      object: { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } } as unknown as KubeObject,
    })),
  ).state;
  expect(["a", "b", "c", "named", "istio-system"].filter(discoveredNamespaces(state))).toEqual([
    "a",
    "named",
    "istio-system",
  ]);
});

test("AuthorizationPolicy: of the workload's namespace and the root namespace, without dry runs", () => {
  const api = "security.istio.io/v1";
  const state = mesh(
    [api, "AuthorizationPolicy", "istio-system/wide", { action: "DENY", rules: [{}] }],
    [api, "AuthorizationPolicy", "shop/web", { selector, rules: [{}] }],
    [api, "AuthorizationPolicy", "shop/tried", { rules: [{}] }, { "istio.io/dry-run": "true" }],
    [api, "AuthorizationPolicy", "other/all", {}],
  );
  const of = (labels: Record<string, string>) =>
    authorizationOf(state, "shop", labels).map(({ source }) => source.name);
  expect(of(web).sort()).toEqual(["web", "wide"]);
  expect(of({})).toEqual(["wide"]);
});
