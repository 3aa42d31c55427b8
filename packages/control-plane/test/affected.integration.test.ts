/** Only the proxies that a change concerns get something, and only what changed. The mesh is a folder beside the registry `Mock`: two sources. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http2 from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type ResourceUpdate, resourceName } from "@heddle/xds";
import { typeUrls } from "@heddle/xds-api";
import {
  DiscoveryRequestSchema,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from "@heddle/xds-api/envoy/service/discovery/v3/discovery";
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

test("a proxy that does not read holds up nobody, and gets the newest of each only when it reads again", async () => {
  const a = await proxy("a", "outbound|80||web.a.svc.cluster.local");
  for (let i = 0; i < 100; i++) put(`many-${i}`, service(`many-${i}`, "c"));
  await until("all of them", () => summary(a.ads.updates).join().includes("many-99"));
  const stuck = http2.connect(`http://127.0.0.1:${plane.discovery.ports.grpc}`, { settings: { initialWindowSize: 0 } });
  const stream = stuck.request({
    ":method": "POST",
    ":path": "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources",
    "content-type": "application/grpc",
    te: "trailers",
  });
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", () => {});
  try {
    const node = { id: "sidecar~10.6.0.2~stuck.a~a.svc.cluster.local", metadata: { NAMESPACE: "a" } };
    stream.write(request({ node, typeUrl: typeUrls.cluster }));
    stream.write(request({ typeUrl: typeUrls.listener }));
    const entry = async (): Promise<Record<string, string> | undefined> =>
      (JSON.parse(await plane.get("/debug/syncz")) as Record<string, string>[]).find(
        (one) => one["proxy"] === "stuck.a",
      );
    await until("the first push", async () => (await entry())?.["cluster_sent"]);
    const sent = (await entry())?.["cluster_sent"];

    for (let turn = 0; turn < 5; turn++) {
      const name = `turn-${turn}`;
      put("turn", service(name, "c"));
      await until(`the other proxy's ${name}`, () => summary(a.ads.updates).join().includes(name), 20_000);
    }
    // Nothing more is on its way to it, let alone five times everything.
    expect((await entry())?.["cluster_sent"]).toBe(sent ?? "");
    expect((await entry())?.["cluster_acked"]).toBe("");
    expect((await entry())?.["listener_sent"]).toBe("");
    expect(chunks).toEqual([]);

    stuck.settings({ initialWindowSize: 1 << 24 });
    await until("the first response", () => messages(chunks).length > 0);
    const { versionInfo = "", nonce = "" } = messages(chunks)[0] ?? {};
    stream.write(request({ typeUrl: typeUrls.cluster, versionInfo, responseNonce: nonce }));
    const clusters = await until("the newest clusters", () => {
      const found = messages(chunks).filter(({ typeUrl }) => typeUrl === typeUrls.cluster);
      return found.length > 1 && found;
    });
    const namesIn = (index: number) =>
      clusters[index]?.resources.map(({ typeUrl, value }) => resourceName(typeUrl, value)) ?? [];
    expect(clusters).toHaveLength(2);
    expect(namesIn(1)).toContain("outbound|80||turn-4.c.svc.cluster.local");
    expect(namesIn(1)).not.toContain("outbound|80||turn-3.c.svc.cluster.local");
  } finally {
    stuck.destroy();
  }
}, 60_000);

/** A gRPC frame with a request of the state of the world. */
function request(init: MessageInitShape<typeof DiscoveryRequestSchema>): Buffer {
  const body = toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, init));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

/** The whole messages that arrived. */
function messages(chunks: readonly Buffer[]): readonly DiscoveryResponse[] {
  const all = Buffer.concat(chunks);
  const found: DiscoveryResponse[] = [];
  for (let at = 0; at + 5 <= all.length; ) {
    const end = at + 5 + all.readUInt32BE(at + 1);
    if (end > all.length) break;
    found.push(fromBinary(DiscoveryResponseSchema, all.subarray(at + 5, end)));
    at = end;
  }
  return found;
}
