import { beforeAll, expect, test } from "bun:test";
import { type KubeObject, parseResource } from "@heddle/config";
import { unpackAny, unpackTypedStruct } from "@heddle/xds-api";
import { HttpConnectionManagerSchema } from "@heddle/xds-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import { HttpProtocolOptionsSchema } from "@heddle/xds-api/envoy/extensions/upstreams/http/v3/http_protocol_options";
import { buildCase } from "../mesh-case.testing.ts";
import { mergeJson, patchList } from "./json-merge.ts";
import { patchListener } from "./patch-listeners.ts";
import { createPatcher, type Patcher } from "./patcher.ts";

const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const HTTP_MANAGER = "envoy.filters.network.http_connection_manager";

let patcher: Patcher;
beforeAll(async () => {
  patcher = await createPatcher();
});

const envoyFilter = (...configPatches: object[]) => ({
  apiVersion: "networking.istio.io/v1alpha3",
  kind: "EnvoyFilter",
  metadata: { name: "f", namespace: "a" },
  spec: { configPatches },
});

function complaints(value: unknown, applyTo = "CLUSTER"): string {
  const object = envoyFilter({ applyTo, patch: { operation: "MERGE", value } });
  const parsed = parseResource(object as unknown as KubeObject);
  if (!parsed.ok || parsed.value.kind !== "EnvoyFilter") throw new Error(JSON.stringify(parsed));
  return patcher
    .check(parsed.value)
    .map(({ path, reason }) => `${path}: ${reason}`)
    .join();
}

test("values that are not Envoy's are told with their patch", () => {
  expect(complaints({ connect_timeout: "3s" })).toBe("");
  expect(complaints({ connectTimeout: "3s" })).toBe("");
  expect(complaints({ connect_timeot: "3s" })).toContain("spec.configPatches[0].patch: can't be applied");
  expect(complaints({ connect_timeot: "3s" })).toContain("did you mean connect_timeout?");
  expect(complaints({ connect_timeout: "500ms" })).toBe("");
  expect(
    complaints(
      { name: "x", typed_config: { "@type": "type.googleapis.com/envoy.config.filter.http.lua.v2.Lua" } },
      "HTTP_FILTER",
    ),
  ).toContain("of the v2 API, which Envoy no longer has");
  expect(complaints({ connect_timeout: "soon" })).toContain("google.protobuf.Duration");
  expect(
    complaints({ name: "x", typed_config: { "@type": "type.googleapis.com/no.such.Type" } }, "HTTP_FILTER"),
  ).toContain("no.such.Type");
});

const OAUTH = "envoy.extensions.filters.http.oauth2.v3.OAuth2";

test("a message that the control plane does not know goes to proxies as it is written; that the built-in one will refuse it is told", () => {
  const value = {
    name: "o",
    typed_config: { "@type": `type.googleapis.com/${OAUTH}`, config: { auth_scopes: ["a"] } },
  };
  const filter = envoyFilter({
    applyTo: "HTTP_FILTER",
    match: { context: "SIDECAR_INBOUND", listener: { filterChain: { filter: { name: HTTP_MANAGER } } } },
    patch: { operation: "INSERT_FIRST", value },
  });
  const parsed = parseResource(filter as unknown as KubeObject);
  if (!parsed.ok || parsed.value.kind !== "EnvoyFilter") throw new Error(JSON.stringify(parsed));
  expect(patcher.check(parsed.value)).toMatchObject([{ severity: "warning", path: "spec.configPatches[0].patch" }]);
  const { view, resources: before } = buildCase({
    proxy: "a/p",
    objects: [
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "p", namespace: "a", labels: { a: "b" } },
        spec: { containers: [{ name: "c", ports: [{ containerPort: 80, name: "http" }] }] },
        status: { podIP: "10.0.0.1" },
      },
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "web", namespace: "a" },
        spec: { clusterIP: "10.1.0.1", selector: { a: "b" }, ports: [{ name: "http", port: 80 }] },
      },
      filter,
    ],
  });
  const heddle = patcher.apply(before, view.inbound.patches, "heddle");
  expect(heddle.problems[0]?.reason).toContain(`${OAUTH}: not an extension that the built-in proxy has`);
  const envoy = patcher.apply(before, view.inbound.patches, "envoy");
  expect(envoy.problems).toEqual([]);
  expect(heddle.resources.listeners).toEqual(envoy.resources.listeners);
  const managers = envoy.resources.listeners
    .flatMap(({ filterChains }) => filterChains.flatMap(({ filters }) => filters))
    .flatMap(({ configType }) => (configType.case === "typedConfig" ? [configType.value] : []))
    .flatMap((any) => unpackAny(any, HttpConnectionManagerSchema) ?? []);
  const first = managers.flatMap(({ httpFilters: [one] }) => (one?.name === "o" ? [one] : []));
  expect(first.length).toBeGreaterThan(0);
  for (const { configType } of first) {
    const held = configType.case === "typedConfig" ? unpackTypedStruct(configType.value) : undefined;
    expect(held).toEqual({ typeUrl: `type.googleapis.com/${OAUTH}`, value: { config: { auth_scopes: ["a"] } } });
  }
});

test("of fields that exclude one another the patch's one holds, as in protobuf's merging", () => {
  const built = buildCase({
    proxy: "a/p",
    objects: [
      { apiVersion: "v1", kind: "Pod", metadata: { name: "p", namespace: "a" }, status: { podIP: "10.0.0.1" } },
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "web", namespace: "a" },
        spec: { clusterIP: "10.1.0.1", selector: { a: "b" }, ports: [{ name: "http", port: 80 }] },
      },
      envoyFilter(
        {
          applyTo: "HTTP_ROUTE",
          match: { context: "SIDECAR_OUTBOUND", routeConfiguration: { name: "80" } },
          patch: { operation: "MERGE", value: { direct_response: { status: 200 } } },
        },
        {
          applyTo: "CLUSTER",
          match: { context: "SIDECAR_OUTBOUND", cluster: { service: "web.a.svc.cluster.local" } },
          patch: {
            operation: "MERGE",
            value: {
              // Go's JSON reader, which Istio reads patches with, takes Go's durations.
              connect_timeout: "1m3s",
              typed_extension_protocol_options: {
                [HTTP_OPTIONS]: {
                  "@type": `type.googleapis.com/${HTTP_OPTIONS}`,
                  use_downstream_protocol_config: { http_protocol_options: {} },
                },
              },
            },
          },
        },
      ),
    ],
  });
  const { resources, problems } = patcher.apply(built.resources, built.view.outbound.patches, "heddle");
  expect(problems).toEqual([]);
  const routes = resources.routes.filter(({ name }) => name === "80").flatMap(({ virtualHosts }) => virtualHosts);
  expect(routes.flatMap((host) => host.routes.map(({ action }) => action.case))).toContain("directResponse");
  const cluster = resources.clusters.find(({ name }) => name === "outbound|80||web.a.svc.cluster.local");
  expect(cluster?.connectTimeout?.seconds).toBe(63n);
  const options = cluster?.typedExtensionProtocolOptions[HTTP_OPTIONS];
  const read = options && unpackAny(options, HttpProtocolOptionsSchema);
  expect(read?.upstreamProtocolOptions.case).toBe("useDownstreamProtocolConfig");
});

test("lists are put one after the other, or replaced; an Any of another type is replaced", () => {
  expect(mergeJson({ a: [1], b: { c: 1 } }, { a: [2], b: { d: 2 } }, false)).toEqual({ a: [1, 2], b: { c: 1, d: 2 } });
  expect(mergeJson({ a: [1] }, { a: [2] }, true)).toEqual({ a: [2] });
  expect(mergeJson({ "@type": "x", a: 1 }, { "@type": "y", b: 2 }, false)).toEqual({ "@type": "y", b: 2 });
});

test("insertions without their anchor change nothing; without a condition they mean the ends", () => {
  const list = [{ name: "a" }, { name: "b" }];
  const names = (items: readonly { readonly [key: string]: unknown }[]) => items.map(({ name }) => name).join("");
  const is = (name: string) => (item: { readonly [key: string]: unknown }) => item["name"] === name;
  const x = { name: "x" };
  expect(names(patchList(list, "INSERT_BEFORE", is("b"), x))).toBe("axb");
  expect(names(patchList(list, "INSERT_AFTER", is("a"), x))).toBe("axb");
  expect(names(patchList(list, "INSERT_BEFORE", is("z"), x))).toBe("ab");
  expect(names(patchList(list, "INSERT_BEFORE", undefined, x))).toBe("xab");
  expect(names(patchList(list, "INSERT_AFTER", undefined, x))).toBe("abx");
  expect(names(patchList(list, "REPLACE", is("a"), x))).toBe("xb");
  expect(names(patchList(list, "REMOVE", is("a"), {}))).toBe("b");
});

test("filters of a class stand where their class belongs, whatever else there is", () => {
  const filter = (name: string) => ({ name: `envoy.filters.http.${name}` });
  const listener = {
    name: "0.0.0.0_80",
    filter_chains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typed_config: {
              http_filters: [
                filter("jwt_authn"),
                filter("rbac"),
                filter("cors"),
                { name: "istio.stats" },
                filter("router"),
              ],
            },
          },
        ],
      },
    ],
  };
  const placed = (filterClass: "UNSPECIFIED" | "AUTHN" | "AUTHZ" | "STATS") => {
    const patch = { operation: "ADD" as const, filterClass };
    const changed = patchListener(
      listener,
      { applyTo: "HTTP_FILTER", match: { context: "ANY" }, patch },
      { name: "x" },
    );
    return JSON.stringify(changed)
      .match(/"name":"(x|[a-z.]*(?:http\.\w+|stats))"/g)
      ?.findIndex((one) => one.includes('"x"'));
  };
  expect([placed("AUTHN"), placed("AUTHZ"), placed("STATS"), placed("UNSPECIFIED")]).toEqual([1, 2, 3, 4]);
});
