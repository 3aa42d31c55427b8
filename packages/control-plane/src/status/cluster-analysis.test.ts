import { expect, test } from "bun:test";
import { defaultInjectorValues, defaultMeshConfig } from "@heddle/config";
import type { KubeClient } from "@heddle/kube-client";
import { createClusterAnalysis } from "./cluster-analysis.ts";

test("a run sees what changed since the last one began, however recent; who only asks gets the last one", async () => {
  const services: object[] = [];
  let lists = 0;
  const list = async ({ resource }: { readonly resource: string }) => {
    if (resource === "services") lists++;
    return { items: resource === "virtualservices" ? [...services] : [] };
  };
  const options = { mesh: defaultMeshConfig(), domain: "cluster.local", injector: defaultInjectorValues() };
  const analysis = createClusterAnalysis({
    kube: { list } as unknown as KubeClient,
    options: () => options,
    now: () => 1000,
  });
  const codes = async (findings: ReturnType<typeof analysis.run>) => (await findings).map(({ code }) => code);
  expect(await codes(analysis.run())).toEqual([]);
  services.push({
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "shop", namespace: "shop" },
    spec: { hosts: ["shop"], http: [{ route: [{ destination: { host: "nowhere" } }] }] },
  });
  expect(await codes(analysis.recent())).toEqual([]);
  expect(lists).toBe(1);
  const [first, second] = [analysis.run(), analysis.recent()];
  expect(await codes(first)).toContain("IST0101");
  expect(await second).toBe(await first);
  expect(lists).toBe(2);
});
