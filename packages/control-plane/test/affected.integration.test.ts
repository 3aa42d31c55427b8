/** Only the proxies that a change concerns get something, and only what changed. The mesh is a folder beside the registry `Mock`: two sources. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ResourceUpdate } from "@heddle/xds";
import { typeUrls } from "@heddle/xds-api";
import { type AdsClient, connectAds, until } from "./clients.ts";
import { type Started, start } from "./start.ts";

const folder = mkdtempSync(join(tmpdir(), "affected-"));
const put = (name: string, ...objects: readonly object[]): void =>
  writeFileSync(join(folder, "config", `${name}.json`), JSON.stringify({ kind: "List", items: objects }));
const service = (name: string, namespace: string) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace },
  spec: { clusterIP: "10.8.0.1", ports: [{ name: "http", port: 80 }] },
});
const slice = (name: string, namespace: string, address: string) => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: `${name}-1`, namespace, labels: { "kubernetes.io/service-name": name } },
  addressType: "IPv4",
  endpoints: [{ addresses: [address], conditions: { ready: true } }],
  ports: [{ name: "http", port: 80, protocol: "TCP" }],
});
const rule = (namespace: string, timeout: string) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "web", namespace },
  spec: { hosts: ["web"], exportTo: ["."], http: [{ route: [{ destination: { host: "web" } }], timeout }] },
});

let plane: Started;
const clients: AdsClient[] = [];
beforeAll(async () => {
  mkdirSync(join(folder, "config"));
  put("a", service("web", "a"), slice("web", "a", "10.7.0.1"), rule("a", "1s"));
  put("b", service("shop", "b"), slice("shop", "b", "10.7.0.2"), {
    apiVersion: "networking.istio.io/v1",
    kind: "Sidecar",
    metadata: { name: "default", namespace: "b" },
    spec: { egress: [{ hosts: ["./*"] }] },
  });
  const flags = ["--registries=Mock", `--configDir=${join(folder, "config")}`, `--caDir=${join(folder, "ca")}`];
  plane = await start(flags, { PILOT_DEBOUNCE_AFTER: "50ms", PILOT_DEBOUNCE_MAX: "2s" });
});
afterAll(async () => {
  for (const client of clients) client.close();
  await plane.discovery.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A proxy that has everything; `since()` gives what came after it was asked last. */
async function proxy(namespace: string, cluster: string) {
  const id = `sidecar~10.6.0.1~app.${namespace}~${namespace}.svc.cluster.local`;
  const ads = connectAds({ port: plane.discovery.ports.grpc ?? 0 }, { id, metadata: { NAMESPACE: namespace } });
  clients.push(ads);
  ads.client.subscribe(typeUrls.cluster, ["*"]);
  ads.client.subscribe(typeUrls.listener, ["*"]);
  ads.client.subscribe(typeUrls.endpoint, [cluster]);
  ads.client.subscribe(typeUrls.route, ["80"]);
  await until("everything", () => new Set(ads.updates.map(({ typeUrl }) => typeUrl)).size === 4);
  let told = ads.updates.length;
  return {
    ads,
    since(): readonly ResourceUpdate[] {
      const news = ads.updates.slice(told);
      told = ads.updates.length;
      return news;
    },
  };
}

const summary = (updates: readonly ResourceUpdate[]): string[] =>
  updates.flatMap(({ typeUrl, resources }) => resources.map(({ name }) => `${typeUrl.split(".").at(-1)} ${name}`));

test("a rule, an endpoint and a burst reach only whom they concern", async () => {
  const web = "outbound|80||web.a.svc.cluster.local";
  const a = await proxy("a", web);
  const b = await proxy("b", "outbound|80||shop.b.svc.cluster.local");

  put("a", service("web", "a"), slice("web", "a", "10.7.0.1"), rule("a", "2s"));
  await until("the route", () => a.ads.updates.some((_, i) => i >= 4 && a.ads.updates.length > 4));
  expect(summary(a.since())).toEqual(["RouteConfiguration 80"]);
  expect(b.since()).toEqual([]);

  put("a", service("web", "a"), slice("web", "a", "10.7.0.9"), rule("a", "2s"));
  const before = a.ads.updates.length;
  await until("the endpoint", () => a.ads.updates.length > before);
  expect(summary(a.since())).toEqual([`ClusterLoadAssignment ${web}`]);
  expect(b.since()).toEqual([]);

  // Ten changes in a burst are one push.
  for (let i = 0; i < 10; i++) put(`more-${i}`, service(`more-${i}`, "b"));
  await until("the new clusters", () => summary(b.ads.updates).filter((one) => one.includes("more-")).length >= 10);
  expect(b.since().filter(({ typeUrl }) => typeUrl === typeUrls.cluster)).toHaveLength(1);

  // The other source's services are there as well: several registries make one mesh.
  const names = summary(a.ads.updates);
  expect(names).toContain("Cluster outbound|80||hello.default.svc.cluster.local");
  expect(summary(b.ads.updates).join()).not.toContain("hello.default");
}, 30_000);
