import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import type { ClusterNetworkPlan } from "../../contract/index.ts";
import { CONFIG_MAPS } from "../../controllers/resource-ids.ts";
import { type ApiServer, createApiServer, createClusterPki } from "../index.ts";

const network: ClusterNetworkPlan = {
  nodeName: "node",
  nodeIp: "10.40.255.1",
  externalIp: "198.18.0.1",
  flat: false,
  podCidr: "10.40.0.0/16",
  serviceCidr: "10.140.0.0/16",
  apiServiceIp: "10.140.0.1",
  dnsServiceIp: "10.140.0.10",
  clusterDomain: "cluster.local",
  apiPort: 6443,
  nodePortRange: [30000, 32767],
  firstAutomaticNodePort: 31384,
};

describe("a watch that resumes", () => {
  let server: ApiServer;
  let url: string;

  beforeAll(async () => {
    const pki = await createClusterPki({ now: Date.now(), randomBytes, network });
    const log = { info() {}, warn() {}, error() {} };
    server = await createApiServer({ now: Date.now, randomBytes, network, pki, log });
    const [port] = await server.start([{ host: "127.0.0.1", port: 0 }]);
    url = `https://127.0.0.1:${port}/api/v1/namespaces/default/configmaps`;
  });
  afterAll(() => server.close());

  const get = (query: string) =>
    fetch(`${url}?${query}`, {
      tls: { ca: server.caPem },
      headers: { authorization: `Bearer ${server.adminToken}` },
    });
  const watched = async (version: string) => {
    const text = await (await get(`watch=1&timeoutSeconds=1&resourceVersion=${version}`)).text();
    return text
      .trim()
      .split("\n")
      .filter((line) => line !== "")
      .map((line): { type: string; object: { code?: number; reason?: string; data?: { n: string } } } =>
        JSON.parse(line),
      );
  };

  test("gets exactly what it missed; once that is forgotten, 410 Expired", async () => {
    const made = await server.api.create(CONFIG_MAPS, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "counter", namespace: "default" },
      data: { n: "0" },
    });
    const first = made.metadata.resourceVersion ?? "";
    for (let n = 1; n <= 3; n++) await server.api.patch(CONFIG_MAPS, "default", "counter", { data: { n: String(n) } });
    const missed = await watched(first);
    expect(missed.map((event) => `${event.type} ${event.object.data?.n}`)).toEqual([
      "MODIFIED 1",
      "MODIFIED 2",
      "MODIFIED 3",
    ]);

    for (let n = 4; n <= 4010; n++)
      await server.api.patch(CONFIG_MAPS, "default", "counter", { data: { n: String(n) } });
    const [event, ...more] = await watched(first);
    expect(event).toMatchObject({ type: "ERROR", object: { code: 410, reason: "Expired" } });
    expect(more).toEqual([]);
  }, 30_000);
});
